import { PAIR_TABLES_BYTES } from '../simd/histogram-kernels.js'
import { CHUNK_PIXELS, kernelMemory, kernels } from '../simd/kernels.js'
import { newLayout } from '../simd/layout.js'

/** How many greys there are. */
export const GREYS = 256

/** How many of the pixels have each of the 256 greys. The histograms of a picture's parts add up to its own. */
export function greyHistogram(pixels: Uint8Array): Float64Array {
  const layout = newLayout()
  // The kernels look for them at address 0.
  const tables = layout.place(PAIR_TABLES_BYTES)
  const byLow = layout.place(GREYS * INTEGER_BYTES)
  const byHigh = layout.place(GREYS * PARTIAL_SUMS * INTEGER_BYTES)
  const from = layout.place(CHUNK_PIXELS)
  const buffer = kernelMemory(layout.length)
  const memory = new Uint8Array(buffer)
  memory.fill(0, tables, from)

  const inPairs = pixels.length - (pixels.length % PIXELS_A_STEP)
  for (let start = 0; start < inPairs; start += CHUNK_PIXELS) {
    const chunk = pixels.subarray(start, Math.min(inPairs, start + CHUNK_PIXELS))
    memory.set(chunk, from)
    kernels().countPairs(from, chunk.length)
  }
  kernels().foldPairs(byLow, byHigh)

  const histogram = Float64Array.from(new Int32Array(buffer, byLow, GREYS))
  const partialSums = new Int32Array(buffer, byHigh, GREYS * PARTIAL_SUMS)
  for (const [index, count] of partialSums.entries()) histogram[Math.floor(index / PARTIAL_SUMS)]! += count
  for (const grey of pixels.subarray(inPairs)) histogram[grey]!++
  return histogram
}

const INTEGER_BYTES = 4
const PARTIAL_SUMS = 4
const PIXELS_A_STEP = 8
