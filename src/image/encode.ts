import type { Sharp } from 'sharp'
import { PictureError } from '../errors.js'
import { withoutPreview } from './exif/preview.js'
import { formatName, type PictureFormat } from './format.js'
import { readHeader } from './header.js'
import { type OptionChecks, optionChecks } from './option-checks.js'
import { Picture, pictureError } from './picture.js'
import type { PictureFacts } from './picture-facts.js'

export const ENCODED_FORMATS = ['jpeg', 'png', 'webp', 'avif', 'tiff'] as const
export const CHROMAS = ['4:2:0', '4:4:4'] as const
export const TIFF_COMPRESSIONS = ['deflate', 'lzw', 'packbits', 'jpeg', 'none'] as const
export const DEPTHS = [8, 16] as const

export type EncodedFormat = (typeof ENCODED_FORMATS)[number]

/** How a picture is written. What has no meaning for the format is left aside. */
export interface EncodingOptions {
  /**
   * `same` is the picture's own format; GIF, which is not written, becomes PNG.
   * @default 'same'
   */
  format?: EncodedFormat | 'same'
  /** Of JPEG, WebP, AVIF and TIFF's JPEG, 1 to 100. @default 80 */
  quality?: number
  /** Whether WebP and AVIF keep every pixel as it is; PNG does anyway. @default false */
  lossless?: boolean
  /** Whether JPEG and PNG (Adam7) show coarsely before all of it is there. @default false */
  progressive?: boolean
  /** Colour of JPEG and AVIF in half or full resolution. @default '4:2:0' of JPEG, '4:4:4' of AVIF */
  chroma?: (typeof CHROMAS)[number]
  /** All but `jpeg` keep every pixel as it is. @default 'deflate' */
  tiffCompression?: (typeof TIFF_COMPRESSIONS)[number]
  /** Bits of a sample of PNG and TIFF; 16 only where the picture has more than 8. @default 8 */
  depth?: (typeof DEPTHS)[number]
  /**
   * CSS colour that shows through a transparent picture in JPEG, and that pads; in grey pictures its luminance.
   * @default 'white'
   */
  background?: string
  /** Whether EXIF (without its preview), XMP and IPTC stay; colours are converted to sRGB either way. @default false */
  keepMetadata?: boolean
}

/** Options that were checked, with their defaults. */
export interface Encoding extends Omit<Required<EncodingOptions>, 'chroma'> {
  readonly chroma: EncodingOptions['chroma']
  readonly check: OptionChecks
}

/**
 * Checks the options for a picture that is to be written.
 * @param doing what is being done, as messages say it: 'resize pictures'
 * @param formats those that there are
 * @throws UsageError when one is out of its range.
 */
export function readEncoding(
  doing: string,
  options: EncodingOptions,
  formats: readonly Encoding['format'][] = [...ENCODED_FORMATS, 'same'],
): Encoding {
  const check = optionChecks(doing)
  return {
    format: check.oneOf('format', options.format ?? 'same', formats),
    quality: check.wholeNumber('quality', options.quality ?? 80, 1, 100),
    lossless: options.lossless ?? false,
    progressive: options.progressive ?? false,
    chroma: options.chroma && check.oneOf('chroma', options.chroma, CHROMAS),
    tiffCompression: check.oneOf('tiffCompression', options.tiffCompression ?? 'deflate', TIFF_COMPRESSIONS),
    depth: check.oneOf('depth', options.depth ?? 8, DEPTHS),
    background: options.background ?? 'white',
    keepMetadata: options.keepMetadata ?? false,
    check,
  }
}

/** What a picture is to be, once it is known which one. */
export interface Target {
  readonly format: EncodedFormat
  /** @default sRGB of 8 bits */
  readonly colours?: 'b-w' | 'grey16' | 'rgb16'
  /** Of a TIFF, in pixels an inch. @default not told */
  readonly density?: number
}

/**
 * What a picture of these facts becomes: grey pictures stay grey and, where that is asked for, deep ones deep, in
 * the formats that have such pictures.
 */
export function targetOf(encoding: Encoding, facts: PictureFacts): Target {
  const format = targetFormat(encoding, facts.format)
  const isDeep = encoding.depth === 16 && facts.bitDepth > 8 && (format === 'png' || format === 'tiff')
  // Of a coloured background libvips shows the luminance in grey pictures anyway.
  const isGrey = facts.isGrey && format !== 'webp' && format !== 'avif'
  const colours = isGrey ? (isDeep ? 'grey16' : 'b-w') : isDeep ? 'rgb16' : undefined
  return {
    format,
    ...(colours ? { colours } : {}),
    ...(facts.density ? { density: facts.density } : {}),
  }
}

function targetFormat({ format }: Encoding, own: PictureFormat): EncodedFormat {
  if (format !== 'same') return format
  return (ENCODED_FORMATS as readonly string[]).includes(own) ? (own as EncodedFormat) : 'png'
}

/**
 * Opens a picture, does something with it and writes the result.
 * @param open makes the pipeline; what it reads is given to it, since metadata that stay must not show the picture
 *   as it was before
 * @throws PictureError when the picture can't be decoded or encoded, LimitError when it is over a limit, UsageError
 *   when the background is no colour.
 */
export async function encode(
  picture: Picture,
  encoding: Encoding,
  target: Target,
  open: (source: Picture) => Sharp,
): Promise<Buffer> {
  const { background, keepMetadata } = encoding
  const bytes = keepMetadata ? withoutPreview(picture.bytes) : picture.bytes
  return inOurWords(picture, encoding, target, () => {
    let pipeline = open(new Picture(picture.key, bytes, picture.limits))
    if (needsFlat(encoding, target.format)) pipeline = pipeline.flatten({ background })
    if (target.colours) pipeline = pipeline.toColourspace(target.colours)
    if (keepMetadata) pipeline = keepingMetadata(pipeline, bytes, target)
    return written(pipeline, encoding, target).toBuffer()
  })
}

/**
 * Does something with sharp, and says in our own words what it throws.
 * @throws as {@link encode}.
 */
export async function inOurWords<T>(
  picture: Picture,
  { background, check }: Encoding,
  { format }: Target,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    // sharp reads the colour before it reads the picture.
    if (isColourError(message)) throw check.wrong('background', background, 'a CSS colour')
    if (/^Processed image is too large for/.test(message)) {
      throw new PictureError(
        `Cannot encode "${picture.key}": its sides are longer than ${formatName(format)} allows; choose another format`,
        { cause: error, details: { key: picture.key } },
      )
    }
    throw pictureError(picture.key, error)
  }
}

/** Whether these are sharp's words for what is no colour. */
function isColourError(message: string): boolean {
  return /^Unable to parse color|^Expected object or string for background/.test(message)
}

function needsFlat({ tiffCompression }: Encoding, format: EncodedFormat): boolean {
  return format === 'jpeg' || (format === 'tiff' && tiffCompression === 'jpeg')
}

const MILLIMETRES_OF_INCH = 25.4

export function written(pipeline: Sharp, encoding: Encoding, { format, density }: Target): Sharp {
  const { quality, lossless, progressive, chroma, tiffCompression: compression } = encoding
  const chromaSubsampling = chroma ? { chromaSubsampling: chroma } : {}
  switch (format) {
    case 'jpeg':
      return pipeline.jpeg({ quality, progressive, ...chromaSubsampling })
    case 'png':
      // Its quality would turn it into a palette.
      return pipeline.png({ progressive })
    case 'webp':
      return pipeline.webp({ quality, lossless })
    case 'avif':
      return pipeline.avif({ quality, lossless, ...chromaSubsampling })
    case 'tiff': {
      const pixelsOfMillimetre = density && density / MILLIMETRES_OF_INCH
      const resolution = pixelsOfMillimetre ? { xres: pixelsOfMillimetre, yres: pixelsOfMillimetre } : {}
      return pipeline.tiff({ compression, quality, resolutionUnit: 'inch', ...resolution })
    }
  }
}

function keepingMetadata(pipeline: Sharp, bytes: Uint8Array, { colours }: Target): Sharp {
  // Grey is left as it is, with its own profile where it has one: sRGB's would not fit it.
  if (colours === 'b-w' || colours === 'grey16') return pipeline.keepMetadata()
  const header = readHeader(bytes)
  // withMetadata converts to sRGB, for which sharp takes untagged 16-bit pictures as Display P3.
  const isDeepAndUntagged = header !== undefined && header.bitDepth > 8 && !header.hasProfile
  return isDeepAndUntagged ? pipeline.keepExif().keepXmp() : pipeline.withMetadata()
}
