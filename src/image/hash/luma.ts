import { openRowSums } from '../resample/row-sums.js'
import {
  recentWeights,
  resample,
  resampleColumns,
  roundSums,
  type Samples,
  shrinksColumnsFirst,
} from '../resample.js'
import { kernels } from '../simd/kernels.js'

const RGB = 3

/**
 * What `convert('L').resize((width, height), LANCZOS)` makes of a picture in Pillow: 0.299 R + 0.587 G + 0.114 B, then
 * resampled, each in whole numbers. A channel of alpha is not looked at.
 * @returns width * height samples
 */
export function shrunkLuma(samples: Samples, width: number, height: number): Uint8Array {
  const isOneSweep =
    samples.channels === RGB && samples.width !== width && !shrinksColumnsFirst(samples, width, height)
  return isOneSweep ? sweepRows(samples, width, height) : resample(luma(samples), width, height).data
}

/** The same as below, with each row summed up as soon as it is grey: the pixels are read once. */
function sweepRows({ width: inputWidth, height: inputHeight, data }: Samples, width: number, height: number) {
  const rowBytes = inputWidth * RGB
  const bandRows = Math.max(1, Math.floor(BAND_BYTES / rowBytes))
  const axis = recentWeights(inputWidth, width)
  const { scratch, scratchAt, samplesAt, sumUp } = openRowSums(axis, bandRows * rowBytes)
  const { rgbToLuma } = kernels()
  const narrow = new Uint8Array(width * inputHeight)
  for (let top = 0; top < inputHeight; top += bandRows) {
    const rows = Math.min(bandRows, inputHeight - top)
    scratch.set(data.subarray(top * rowBytes, (top + rows) * rowBytes))
    for (let row = 0; row < rows; row++) {
      rgbToLuma(scratchAt + row * rowBytes, samplesAt, inputWidth)
      roundSums(sumUp(), narrow, (top + row) * width)
    }
  }
  const rows = { width, height: inputHeight, channels: 1, data: narrow }
  return height === inputHeight ? narrow : resampleColumns(rows, recentWeights(inputHeight, height)).data
}

/** Copied at once: what stays in a core's cache. */
const BAND_BYTES = 2 ** 17

/** One channel of grey. */
export function luma({ width, height, channels, data }: Samples): Samples {
  if (channels === 1) return { width, height, channels, data }
  const grey = new Uint8Array(width * height)
  for (let pixel = 0, at = 0; pixel < grey.length; pixel++, at += channels) {
    grey[pixel] = channels < RGB ? data[at]! : lumaOf(data[at]!, data[at + 1]!, data[at + 2]!)
  }
  return { width, height, channels: 1, data: grey }
}

/** ITU-R BT.601, in whole numbers that add up to 2^16. */
export function lumaOf(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
}
