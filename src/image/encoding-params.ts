import { z } from 'zod'
import { CHROMAS, DEPTHS, ENCODED_FORMATS, TIFF_COMPRESSIONS } from './encode.js'
import { isColour } from './is-colour.js'

/** Params of jobs, as pieces of their schemas: `z.object({ angle: ..., ...encodingParams })`. */

/** A CSS colour, `white` if none is given. */
export const backgroundParam = z
  .string()
  .refine(isColour, 'expected a CSS colour')
  .default('white')
  .describe('CSS colour behind transparent pictures, and of padding')

export const qualityParam = z
  .number()
  .int()
  .min(1)
  .max(100)
  .default(80)
  .describe('quality of JPEG, WebP and AVIF')

export const keepMetadataParam = z.boolean().default(false).describe('keep EXIF, XMP and IPTC')

/** How pictures are written, all but the format. */
export const writingParams = {
  quality: qualityParam,
  lossless: z.boolean().default(false).describe('WebP and AVIF without any loss'),
  progressive: z.boolean().default(false).describe('progressive JPEG, interlaced PNG'),
  chroma: z
    .enum(CHROMAS)
    .optional()
    .describe('colour in half or full resolution (default 4:2:0 of JPEG, 4:4:4 of AVIF)'),
  tiffCompression: z.enum(TIFF_COMPRESSIONS).default('deflate').describe('how TIFF is compressed'),
  depth: z
    .literal([...DEPTHS])
    .default(8)
    .describe('bits of a sample of PNG and TIFF, of pictures that have them'),
  background: backgroundParam,
  keepMetadata: keepMetadataParam,
}

/** How pictures are written: in their own format where none is given. */
export const encodingParams = {
  format: z
    .enum([...ENCODED_FORMATS, 'same'])
    .default('same')
    .describe("format of the output, or the picture's own"),
  ...writingParams,
}
