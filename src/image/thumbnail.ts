import type { Sharp } from 'sharp'
import { gated } from './decode-gate.js'
import { type Encoding, encode, inOurWords, readEncoding, type Target } from './encode.js'
import { FITS, type Fit, fittedSize, type Size } from './fitted-size.js'
import type { Picture } from './picture.js'
import { readFacts } from './picture-facts.js'
import { loadSharp } from './sharp.js'

export const THUMBNAIL_FORMATS = ['jpeg', 'png', 'webp', 'avif'] as const

/** What holds for thumbnails of any size. */
export interface ThumbnailStyle {
  /**
   * How the picture meets the box: whole `inside` it; `cover` fills it and crops; `contain` fills it and pads with
   * the background; `fill` stretches; `outside` covers it without cropping. @default 'inside'
   */
  fit?: Fit
  /** @default 'jpeg' */
  format?: (typeof THUMBNAIL_FORMATS)[number]
  /** Of JPEG, WebP and AVIF, 1 to 100; PNG is lossless. @default 80 */
  quality?: number
  /** What shows through a transparent picture in JPEG, and pads `contain`: a CSS colour. @default 'white' */
  background?: string
  /** Whether a picture smaller than the box grows to it. @default false */
  enlarge?: boolean
  /** Whether EXIF (without its preview), XMP and IPTC stay; colours are converted to sRGB either way. @default false */
  keepMetadata?: boolean
}

export interface ThumbnailOptions extends ThumbnailStyle {
  /** Length of the sides of the box to fit, in pixels, 1 to 16384. @default 256 */
  size?: number
  /** Width of the box, where it is no square, in pixels. @default size */
  width?: number
  /** Height of the box, where it is no square, in pixels. @default size */
  height?: number
}

/** One of several thumbnails of a picture. */
export interface SizedThumbnail {
  /** Length of the sides of its box, in pixels. */
  size: number
  /** Encoded. */
  bytes: Uint8Array
}

const MAX_SIZE = 16_384

/**
 * A smaller version of a picture: upright by its EXIF orientation, in sRGB, the first frame of an animation. The same
 * picture and options give the same bytes.
 * @returns the encoded thumbnail.
 * @throws PictureError when the picture can't be decoded, LimitError when it is over a limit, UsageError when an
 *   option is out of its range.
 */
export async function thumbnail(picture: Picture, options: ThumbnailOptions = {}): Promise<Uint8Array> {
  const style = readStyle(options)
  const { check } = style.encoding
  const { size = 256 } = options
  const box = {
    width: check.wholeNumber('width', options.width ?? size, 1, MAX_SIZE),
    height: check.wholeNumber('height', options.height ?? size, 1, MAX_SIZE),
  }
  return encode(picture, style.encoding, style.target, (source) =>
    fitted(source.pipeline(), box, style.fit, style),
  )
}

/**
 * Several thumbnails from one decode, in the order of the sizes written as text, which is that of keys. The picture
 * is decoded for the largest, and the others are made of that: they come nearer to a reduction of the whole picture
 * than a thumbnail alone, for which JPEG and WebP are reduced while they are decoded. The largest has the very pixels
 * of the one that {@link thumbnail} makes; the dots per inch that JPEG and PNG tell are not carried over. Where
 * metadata stay, which pixels don't carry, each size is decoded for itself.
 * @param sizes lengths of the sides of the boxes, in pixels, 1 to 16384; of equal ones one counts
 * @throws as {@link thumbnail}.
 */
export async function thumbnails(
  picture: Picture,
  sizes: readonly number[],
  options: ThumbnailStyle = {},
): Promise<SizedThumbnail[]> {
  const style = readStyle(options)
  if (sizes.length === 0) throw style.encoding.check.wrong('sizes', sizes, 'one or more')
  for (const size of sizes) style.encoding.check.wholeNumber('sizes', size, 1, MAX_SIZE)
  const ordered = [...new Set(sizes)].sort((a, b) => (String(a) < String(b) ? -1 : 1))
  const make =
    ordered.length === 1 || style.encoding.keepMetadata
      ? (size: number) => thumbnail(picture, { ...options, size })
      : await fromOneDecode(picture, Math.max(...ordered), style)
  const made: SizedThumbnail[] = []
  for (const size of ordered) made.push({ size, bytes: await make(size) })
  return made
}

/** Decodes a picture for its largest thumbnail. @returns what makes each of them */
async function fromOneDecode(picture: Picture, largest: number, style: Style) {
  const { encoding, target, fit } = style
  const own = await readFacts(picture)
  const open = await inOurWords(picture, encoding, target, () => decodeFor(largest, picture, style))
  return (size: number): Promise<Uint8Array> =>
    encode(picture, encoding, target, () => {
      if (fit === 'cover' || fit === 'contain') return fitted(open(), square(size), fit, style)
      // The sides follow from the picture's own, not from the rounded ones of the largest.
      return size === largest ? open() : fitted(open(), fittedSize(own, square(size), style), 'fill', style)
    })
}

/** Without what the fit crops off or adds: of that each size has its own. */
const WHOLE: Record<Fit, Fit> = {
  inside: 'inside',
  contain: 'inside',
  cover: 'outside',
  outside: 'outside',
  fill: 'fill',
}

async function decodeFor(size: number, picture: Picture, style: Style): Promise<() => Sharp> {
  const { background } = style.encoding
  const pipeline = fitted(picture.pipeline(), square(size), WHOLE[style.fit], style)
  const flat = style.target.format === 'jpeg' ? pipeline.flatten({ background }) : pipeline
  const { data, info } = await flat.raw().toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  return () => gated(loadSharp()(data, { raw: { width, height, channels }, limitInputPixels: false }))
}

interface Style {
  readonly encoding: Encoding
  readonly target: Target
  readonly fit: Fit
  readonly enlarge: boolean
}

function readStyle(options: ThumbnailStyle): Style {
  const { fit = 'inside', format = 'jpeg', enlarge = false } = options
  const encoding = readEncoding('make thumbnails', { ...options, format }, THUMBNAIL_FORMATS)
  return { encoding, target: { format }, fit: encoding.check.oneOf('fit', fit, FITS), enlarge }
}

function square(size: number): Size {
  return { width: size, height: size }
}

function fitted(pipeline: Sharp, { width, height }: Size, fit: Fit, { encoding, enlarge }: Style): Sharp {
  const { background } = encoding
  return pipeline.resize(width, height, { fit, background, withoutEnlargement: !enlarge })
}
