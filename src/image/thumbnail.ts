import type { Sharp } from 'sharp'
import { UsageError } from '../errors.js'
import { readHeader } from './header.js'
import { type Picture, pictureError } from './picture.js'

export const THUMBNAIL_FITS = ['inside', 'cover', 'contain', 'fill', 'outside'] as const
export const THUMBNAIL_FORMATS = ['jpeg', 'png', 'webp', 'avif'] as const

export interface ThumbnailOptions {
  /** Length of the sides of the box to fit, in pixels, 1 to 16384. @default 256 */
  size?: number
  /** Width of the box, where it is no square, in pixels. @default size */
  width?: number
  /** Height of the box, where it is no square, in pixels. @default size */
  height?: number
  /**
   * How the picture meets the box: whole `inside` it; `cover` fills it and crops; `contain` fills it and pads with
   * the background; `fill` stretches; `outside` covers it without cropping. @default 'inside'
   */
  fit?: (typeof THUMBNAIL_FITS)[number]
  /** @default 'jpeg' */
  format?: (typeof THUMBNAIL_FORMATS)[number]
  /** Of JPEG, WebP and AVIF, 1 to 100; PNG is lossless. @default 80 */
  quality?: number
  /** What shows through a transparent picture in JPEG, and pads `contain`: a CSS colour. @default 'white' */
  background?: string
  /** Whether a picture smaller than the box grows to it. @default false */
  enlarge?: boolean
  /** Whether EXIF, XMP and IPTC stay; colours are converted to sRGB either way. @default false */
  keepMetadata?: boolean
}

/**
 * A smaller version of a picture: upright by its EXIF orientation, in sRGB, the first frame of an animation. The same
 * picture and options give the same bytes.
 * @returns the encoded thumbnail.
 * @throws PictureError when the picture can't be decoded, LimitError when it is over a limit, UsageError when an
 *   option is out of its range.
 */
export async function thumbnail(picture: Picture, options: ThumbnailOptions = {}): Promise<Uint8Array> {
  const { size = 256, fit = 'inside', format = 'jpeg', quality = 80, background = 'white' } = options
  const width = wholeNumber('width', options.width ?? size, 16_384)
  const height = wholeNumber('height', options.height ?? size, 16_384)
  wholeNumber('quality', quality, 100)
  if (!THUMBNAIL_FITS.includes(fit)) throw badOption('fit', fit, THUMBNAIL_FITS.join(', '))
  if (!THUMBNAIL_FORMATS.includes(format)) throw badOption('format', format, THUMBNAIL_FORMATS.join(', '))

  let pipeline = picture.pipeline()
  try {
    pipeline = pipeline.resize(width, height, {
      fit,
      background,
      withoutEnlargement: options.enlarge !== true,
    })
    if (format === 'jpeg') pipeline = pipeline.flatten({ background })
    if (options.keepMetadata) pipeline = keepingMetadata(pipeline, picture.bytes)
    // PNG's quality would turn it into a palette.
    return await (format === 'png' ? pipeline.png() : pipeline.toFormat(format, { quality })).toBuffer()
  } catch (error) {
    // sharp reads the colour before it reads the picture.
    if (error instanceof Error && /^Unable to parse color/.test(error.message)) {
      throw badOption('background', background, 'a CSS colour')
    }
    throw pictureError(picture.key, error)
  }
}

function keepingMetadata(pipeline: Sharp, bytes: Uint8Array): Sharp {
  const header = readHeader(bytes)
  // withMetadata converts to sRGB, for which sharp takes untagged 16-bit pictures as Display P3.
  const isDeepAndUntagged = header !== undefined && header.bitDepth > 8 && !header.hasProfile
  return isDeepAndUntagged ? pipeline.keepExif().keepXmp() : pipeline.withMetadata()
}

function wholeNumber(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw badOption(name, value, `a whole number from 1 to ${max}`)
}

function badOption(name: string, value: unknown, expected: string): UsageError {
  return new UsageError(`Cannot make thumbnails: ${name} is ${JSON.stringify(value)}, expected ${expected}`)
}
