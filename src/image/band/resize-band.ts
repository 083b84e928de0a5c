import { type Fit, fittedSize, type Size } from '../fitted-size.js'
import { checkMadeSize } from '../made-size.js'
import { optionChecks } from '../option-checks.js'
import type { Picture } from '../picture.js'
import type { AxisWeights } from '../resample/axis-weights.js'
import { recentWeights, type Samples, shrinksColumnsFirst } from '../resample.js'
import type { Band } from './band.js'
import type { BandRows } from './band-rows.js'
import { decodeBandSamples } from './decode-band.js'
import { resampleAcross, resampleDown } from './resample-band.js'

/** How a picture that may have come in bands meets a box: those that need no cropping. */
export const BAND_FITS = ['inside', 'fill', 'outside'] as const satisfies readonly Fit[]

export interface BandResizeOptions {
  /** Of the box, in pixels, 1 to 65535. @default what keeps the proportions */
  width?: number
  /** Of the box, in pixels, 1 to 65535. @default what keeps the proportions */
  height?: number
  /** How the picture meets a box with both sides, as of `resize`. @default 'inside' */
  fit?: (typeof BAND_FITS)[number]
  /** CSS colour that shows through transparency. @default 'white' */
  background?: string
}

const MAX_SIDE = 65_535
/** Of the Lanczos window, in pixels of whichever is the smaller picture. */
const LOBES = 3

/**
 * How many rows above and below its own a band needs.
 * @param size of the whole picture
 * @throws UsageError when an option is out of its range or no side is given.
 */
export function resizeOverlap(options: BandResizeOptions, size: Size): number {
  const { height } = sizeOf(options, size)
  return Math.ceil(LOBES * Math.max(1, size.height / height)) + 1
}

/**
 * The rows of a resized picture whose centres lie in a band's own rows, in sRGB or grey, never larger than the picture
 * was. Each pixel is computed from its place in the whole, with Pillow's Lanczos filter: the rows of all bands together
 * are those that {@link resample} makes of the whole picture.
 * @throws PictureError when the band can't be decoded, LimitError when the result is over a limit, UsageError when an
 *   option is out of its range or no side is given.
 */
export async function resizeBand(
  picture: Picture & { band: Band },
  options: BandResizeOptions,
): Promise<BandRows> {
  const { band } = picture
  const { width, height } = sizeOf(options, band)
  checkMadeSize(picture.key, { width, height }, picture.limits)
  const samples = await decodeBandSamples(picture, options.background ?? 'white')
  const rows = rowsOfResult(band, height)
  const down = slice(recentWeights(band.height, height, 'lanczos', 0, band.height), rows, band)
  const across = recentWeights(band.width, width, 'lanczos', 0, band.width)
  const columns = (from: Samples) => (height === band.height ? cropped(from, band) : resampleDown(from, down))
  const lines = (from: Samples) => (width === band.width ? from : resampleAcross(from, across))
  const isDownFirst = shrinksColumnsFirst(band, width, height)
  const { data } = isDownFirst ? lines(columns(samples)) : columns(lines(samples))
  return { width, height, top: rows.start, channels: samples.channels as 1 | 3, bits: 8, data }
}

function sizeOf({ width, height, fit = 'inside' }: BandResizeOptions, size: Size): Size {
  const check = optionChecks('resize pictures')
  if (width === undefined && height === undefined) throw check.wrong('width', null, 'a width or a height')
  check.oneOf('fit', fit, BAND_FITS)
  const box = {
    ...(width === undefined ? {} : { width: check.wholeNumber('width', width, 1, MAX_SIDE) }),
    ...(height === undefined ? {} : { height: check.wholeNumber('height', height, 1, MAX_SIDE) }),
  }
  return fittedSize(size, box, { fit, enlarge: false })
}

/** The rows of the result, of so many in all, whose centres lie in a band's own rows. */
function rowsOfResult(band: Band, height: number): { start: number; end: number } {
  // Row r is centred at (r + 1/2) * band.height / height.
  const firstFrom = (row: number) =>
    Math.max(0, Math.ceil((2 * height * row - band.height) / (2 * band.height)))
  return { start: firstFrom(band.top), end: band.bottom === band.height ? height : firstFrom(band.bottom) }
}

/** The weights of some rows of the result, for a source that begins and ends with the rows that the band reads. */
function slice(
  { starts, counts, taps, weights }: AxisWeights,
  { start, end }: { start: number; end: number },
  { readTop, readBottom }: Band,
): AxisWeights {
  return {
    inputLength: readBottom - readTop,
    starts: starts.slice(start, end).map((row) => row - readTop),
    counts: counts.subarray(start, end),
    taps,
    weights: weights.subarray(start * taps, end * taps),
  }
}

function cropped(samples: Samples, { top, bottom, readTop }: Band): Samples {
  const rowBytes = samples.width * samples.channels
  const data = samples.data.subarray((top - readTop) * rowBytes, (bottom - readTop) * rowBytes)
  return { ...samples, height: bottom - top, data }
}
