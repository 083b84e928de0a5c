import { UsageError } from '../errors.js'
import {
  type AxisWeights,
  axisWeights,
  HALF,
  RESAMPLE_FILTERS,
  type ResampleFilter,
  WEIGHT_BITS,
} from './resample/axis-weights.js'
import { openRowSums } from './resample/row-sums.js'

/** Samples of 8 bits, those of a pixel together, row by row without padding. */
export interface Samples {
  readonly width: number
  readonly height: number
  /** Of a pixel. */
  readonly channels: number
  /** width * height * channels bytes. */
  readonly data: Uint8Array
}

export interface ResampleOptions {
  /** @default 'lanczos' */
  filter?: ResampleFilter
  /** The part that is resampled, in pixels, which may lie between two. @default all */
  region?: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number }
}

/**
 * Resamples as Pillow 13 does, to the last bit: rows first, then columns, each in whole numbers and rounded to 8 bits;
 * columns first where the height shrinks by more than twice as many pixels as the width.
 * @param width of the result, in pixels
 * @throws UsageError when a size is not a whole number above 0 or the filter is none of {@link RESAMPLE_FILTERS}.
 */
export function resample(
  source: Samples,
  width: number,
  height: number,
  { filter = 'lanczos', region }: ResampleOptions = {},
): Samples {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UsageError(`Cannot resample: ${name} is ${value}, expected a whole number above 0`)
    }
  }
  if (!RESAMPLE_FILTERS.includes(filter)) {
    throw new UsageError(
      `Cannot resample: filter is ${JSON.stringify(filter)}, expected ${RESAMPLE_FILTERS.join(', ')}`,
    )
  }
  const { left = 0, top = 0, right = source.width, bottom = source.height } = region ?? {}
  const isWide = width === source.width && left === 0 && right === width
  const isHigh = height === source.height && top === 0 && bottom === height
  const rows = (samples: Samples) =>
    isWide ? samples : resampleRows(samples, recentWeights(source.width, width, filter, left, right))
  const columns = (samples: Samples) =>
    isHigh ? samples : resampleColumns(samples, recentWeights(source.height, height, filter, top, bottom))
  return shrinksColumnsFirst(source, width, height) ? rows(columns(source)) : columns(rows(source))
}

/** The order in which Pillow takes the axes since its version 13; before, rows always came first. */
export function shrinksColumnsFirst(
  source: { width: number; height: number },
  width: number,
  height: number,
) {
  return source.height > height && source.height - height > 2 * (source.width - width)
}

/** Resamples along the rows. */
export function resampleRows({ height, channels, data }: Samples, axis: AxisWeights): Samples {
  const width = axis.starts.length
  const result = new Uint8Array(width * height * channels)
  const sums = openRowSums(axis)
  for (let row = 0; row < height; row++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = row * axis.inputLength * channels + channel
      readLine(data, from, channels, sums.samples)
      roundSums(sums.sumUp(), result, row * width * channels + channel, channels)
    }
  }
  return { width, height, channels, data: result }
}

/** Resamples along the columns. */
export function resampleColumns({ width, channels, data }: Samples, axis: AxisWeights): Samples {
  const height = axis.starts.length
  const rowBytes = width * channels
  const result = new Uint8Array(height * rowBytes)
  const sums = openRowSums(axis)
  for (let column = 0; column < rowBytes; column++) {
    readLine(data, column, rowBytes, sums.samples)
    roundSums(sums.sumUp(), result, column, rowBytes)
  }
  return { width, height, channels, data: result }
}

/** Reads samples that lie `step` bytes apart. */
function readLine(data: Uint8Array, start: number, step: number, to: Int16Array): void {
  for (let index = 0, at = start; index < to.length; index++, at += step) to[index] = data[at]!
}

/** Writes sums as samples, `step` bytes apart. */
export function roundSums(sums: Int32Array, to: Uint8Array, start: number, step = 1): void {
  for (let index = 0, at = start; index < sums.length; index++, at += step) {
    const sample = (sums[index]! + HALF) >> WEIGHT_BITS
    to[at] = sample < 0 ? 0 : sample > 255 ? 255 : sample
  }
}

/** Pictures of one camera have one size, and the weights take longer than a row. */
const recent = new Map<string, AxisWeights>()
const MOST_RECENT = 8

/** {@link axisWeights}, of which the last few are kept. */
export function recentWeights(...axis: Parameters<typeof axisWeights>): AxisWeights {
  const name = axis.join()
  const weights = recent.get(name) ?? axisWeights(...axis)
  recent.delete(name)
  recent.set(name, weights)
  if (recent.size > MOST_RECENT) recent.delete(recent.keys().next().value!)
  return weights
}
