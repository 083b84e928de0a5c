import { type EncodingOptions, encode, readEncoding, targetOf } from './encode.js'
import { FITS, type Fit, type FitOptions, fittedSize, type Size } from './fitted-size.js'
import { checkMadeSize } from './made-size.js'
import type { OptionChecks } from './option-checks.js'
import type { Picture } from './picture.js'
import { readFacts } from './picture-facts.js'

export const KERNELS = ['nearest', 'linear', 'cubic', 'mitchell', 'lanczos2', 'lanczos3'] as const

/** The longest side that any format holds. */
export const MAX_SIDE = 65_535

export interface ResizeOptions extends EncodingOptions {
  /** Of the box, in pixels, 1 to 65535. @default what keeps the proportions */
  width?: number
  /** Of the box, in pixels, 1 to 65535. @default what keeps the proportions */
  height?: number
  /** Instead of a box: percent of the picture's own sides, up to 10000; more than 100 enlarges. */
  scale?: number
  /**
   * How the picture meets a box with both sides: whole `inside` it; `cover` fills it and crops; `contain` fills it
   * and pads with the background; `fill` stretches; `outside` covers it without cropping. @default 'inside'
   */
  fit?: Fit
  /** What the pixels are weighted with. @default 'lanczos3' */
  kernel?: (typeof KERNELS)[number]
  /** Whether a picture smaller than the box grows to it. @default false */
  enlarge?: boolean
}

/**
 * A picture in another size: upright by its EXIF orientation, in sRGB or grey, the first frame of an animation. The
 * same picture and options give the same bytes.
 * @returns the encoded picture.
 * @throws PictureError when the picture can't be decoded or its format can't hold the result, LimitError when it is
 *   or would be over a limit, UsageError when an option is out of its range or no size is given.
 */
export async function resize(picture: Picture, options: ResizeOptions): Promise<Uint8Array> {
  const encoding = readEncoding('resize pictures', options)
  const { fit = 'inside', kernel = 'lanczos3', scale } = options
  const { check, background } = encoding
  check.oneOf('fit', fit, FITS)
  check.oneOf('kernel', kernel, KERNELS)
  const box = readBox(options, check)
  const facts = await readFacts(picture)
  const { size, fit: meeting, enlarge } = scale === undefined ? boxed(box, options) : scaled(facts, scale)
  checkMadeSize(picture.key, fittedSize(facts, size, { fit: meeting, enlarge }), picture.limits)
  const target = targetOf(encoding, facts)
  return encode(picture, encoding, target, (source) =>
    source.pipeline().resize({ ...size, fit: meeting, kernel, background, withoutEnlargement: !enlarge }),
  )
}

const MAX_PERCENT = 10_000

function readBox({ width, height, scale }: ResizeOptions, check: OptionChecks): Partial<Size> {
  if (scale !== undefined) {
    check.number('scale', scale, 0, MAX_PERCENT)
    if (width !== undefined) throw check.wrong('width', width, 'none beside a scale')
    if (height !== undefined) throw check.wrong('height', height, 'none beside a scale')
    return {}
  }
  if (width === undefined && height === undefined) {
    throw check.wrong('width', null, 'a width, a height or a scale')
  }
  return {
    ...(width === undefined ? {} : { width: check.wholeNumber('width', width, 1, MAX_SIDE) }),
    ...(height === undefined ? {} : { height: check.wholeNumber('height', height, 1, MAX_SIDE) }),
  }
}

/** A size to come to, and how. */
interface Meeting extends FitOptions {
  readonly size: Partial<Size>
}

/** With one side there is no box to be filled. */
function boxed(box: Partial<Size>, { fit = 'inside', enlarge = false }: ResizeOptions): Meeting {
  const hasBothSides = box.width !== undefined && box.height !== undefined
  return { size: box, fit: hasBothSides ? fit : 'inside', enlarge }
}

function scaled({ width, height }: Size, percent: number): Meeting {
  const side = (pixels: number) => Math.max(1, Math.round((pixels * percent) / 100))
  return { size: { width: side(width), height: side(height) }, fit: 'fill', enlarge: true }
}
