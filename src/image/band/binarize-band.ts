import { greyHistogram } from '../binarize/histogram.js'
import type { Ink } from '../binarize/ink.js'
import { overlapOf, separateGrey, type ThresholdOptions, windowOf } from '../binarize/methods.js'
import { slideWindow } from '../binarize/sliding-window.js'
import type { GreyPixels } from '../grey.js'
import { optionChecks } from '../option-checks.js'
import type { Picture } from '../picture.js'
import { kernels } from '../simd/kernels.js'
import type { Band } from './band.js'
import type { BandRows } from './band-rows.js'
import { decodeBandGrey } from './decode-band.js'
import { packRows } from './pack-rows.js'

/** The methods that bands can be made black and white by: all but `su`, which looks at the whole picture twice. */
export const BAND_METHODS = [
  'otsu',
  'fixed',
  'niblack',
  'sauvola',
  'wolf',
  'nick',
  'adaptive-mean',
  'adaptive-gaussian',
] as const

export interface BandThresholdOptions extends Omit<ThresholdOptions, 'method' | 'minN'> {
  /** As of {@link ThresholdOptions}. @default 'otsu' */
  method?: (typeof BAND_METHODS)[number]
}

/**
 * What of a band becomes of its own rows depends on how much must be known of the whole picture:
 *
 *   nothing              the rows are bits, in the end
 *   the ink              they are bits twice, of dark ink and then of light, each row padded to whole bytes
 *   the threshold        they are grey
 *
 * and this is sent ahead, but for the first.
 */
export interface BandGreys {
  /** Width of the picture: rows that are bits twice are wider. */
  readonly width: number
  /** How many of the band's pixels have each of the 256 greys. */
  readonly greys: readonly number[]
  /** The largest standard deviation of the windows around its pixels, of `wolf`. */
  readonly deviation: number
}

/** Whether the pixels of a band can be made black and white before all bands are known. */
export function isLocal({ method = 'otsu' }: BandThresholdOptions): boolean {
  return method !== 'otsu' && method !== 'wolf'
}

/**
 * How many rows above and below its own a band needs.
 * @throws UsageError when an option is out of its range.
 */
export function binarizeOverlap(options: BandThresholdOptions): number {
  requireMethod(options)
  return (
    overlapOf({ ...options, ink: 'dark' }) ?? (options.method === 'wolf' ? windowOf(options).window >> 1 : 0)
  )
}

/**
 * A band's own rows in black and white, as far as that can be said of a band alone; `encodeBinarized` says the rest.
 * @throws PictureError when the band can't be decoded, UsageError when an option is out of its range.
 */
export async function binarizeBand(
  picture: Picture & { band: Band },
  options: BandThresholdOptions = {},
): Promise<BandRows> {
  const { band } = picture
  const overlap = binarizeOverlap(options)
  const top = Math.max(band.readTop, band.top - overlap)
  const bottom = Math.min(band.readBottom, band.bottom + overlap)
  const grey = part(await decodeBandGrey(picture), top - band.readTop, bottom - band.readTop)
  const own = { start: band.top - top, end: band.bottom - top }
  const { width, height } = band
  const common = { width, height, top: band.top, channels: 1 } as const
  const greys = part(grey, own.start, own.end).data
  if (!isLocal(options)) {
    const deviation = options.method === 'wolf' ? largestDeviation(grey, windowOf(options).window, own) : 0
    const ahead = aheadOf({ width, greys: [...greyHistogram(greys)], deviation })
    return { ...common, bits: 8, data: greys, ahead }
  }
  const { ink = 'dark' } = options
  const bitsOf = async (of: Ink) => {
    const { pixels, threshold } = await separateGrey(grey, { ...options, ink: of })
    return packRows(pixels.subarray(own.start * width, own.end * width), width, threshold)
  }
  if (ink !== 'auto') return { ...common, bits: 1, data: await bitsOf(ink) }
  const rowBytes = Math.ceil(width / 8)
  const data = sideBySide(await bitsOf('dark'), await bitsOf('light'), rowBytes)
  const ahead = aheadOf({ width, greys: [...greyHistogram(greys)], deviation: 0 })
  return { ...common, width: 2 * 8 * rowBytes, bits: 1, data, ahead }
}

/** @throws UsageError when the method is none for bands. */
export function requireMethod({ method = 'otsu' }: BandThresholdOptions): void {
  optionChecks('binarize pictures in bands').oneOf('method', method, BAND_METHODS)
}

function aheadOf(greys: BandGreys): Uint8Array {
  return Buffer.from(JSON.stringify(greys))
}

function part({ width, data }: GreyPixels, start: number, end: number): GreyPixels {
  return { width, height: end - start, data: data.subarray(start * width, end * width) }
}

/** The largest standard deviation of the windows around the pixels of some rows. */
function largestDeviation(grey: GreyPixels, window: number, rows: { start: number; end: number }): number {
  const results = 2 * Float64Array.BYTES_PER_ELEMENT
  const sliding = slideWindow(grey, window, 0, (pixels) => 1 / pixels ** 2, results)
  const { memory, own, parameters } = sliding
  for (let row = 0; row < rows.end; row++) {
    sliding.advance()
    if (row >= rows.start) kernels().largestVariance(own, ...parameters)
  }
  return Math.sqrt(Math.max(...new Float64Array(memory, own, 2)))
}

/** Rows of the first, each followed by one of the second. */
function sideBySide(first: Uint8Array, second: Uint8Array, rowBytes: number): Uint8Array {
  const both = new Uint8Array(2 * first.length)
  for (let from = 0; from < first.length; from += rowBytes) {
    both.set(first.subarray(from, from + rowBytes), 2 * from)
    both.set(second.subarray(from, from + rowBytes), 2 * from + rowBytes)
  }
  return both
}
