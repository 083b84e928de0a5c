import { convert, defineJob, writingParams, z } from 'pixelreduce'

export default defineJob({
  name: 'convert',
  description: 'Write every picture in another format.',
  params: z.object({
    format: z.enum(['jpeg', 'png', 'webp', 'avif', 'tiff']).describe('format of the output'),
    pages: z
      .enum(['first', 'all'])
      .default('first')
      .describe('of animations and TIFFs; all: in one WebP or TIFF, else a record each'),
    rename: z.boolean().default(false).describe("give keys the format's extension"),
    allowSvg: z.boolean().default(false).describe('draw SVG too, of sources that are trusted'),
    ...writingParams,
  }),
  async map(image, { params, emit }) {
    for (const { key, bytes } of await convert(image, params)) await emit(key, bytes)
  },
})
