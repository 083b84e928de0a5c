import { type CosineTransform, cosineTransform } from './cosine-transform.js'

/** Frequencies of each axis for each that goes into the hash. */
const FREQUENCY_FACTOR = 4

/** The size that the picture is shrunk to. */
export function perceptualSize(hashSize: number): [width: number, height: number] {
  return [hashSize * FREQUENCY_FACTOR, hashSize * FREQUENCY_FACTOR]
}

/**
 * A bit for each of the lowest frequencies of both axes, the constant one among them: 1 where the coefficient of the
 * cosine transform is above the median of these.
 *
 * N. Krawetz, Looks Like It, hackerfactor.com (2011): pHash, after C. Zauner, Implementation and Benchmarking of
 * Perceptual Image Hash Functions (2010), section 3.1.1; with the bits of ImageHash's `phash`.
 * @param luma of {@link perceptualSize}, row by row
 */
export function perceptualBits(luma: Uint8Array, hashSize: number): boolean[] {
  const length = hashSize * FREQUENCY_FACTOR
  const transform = recentTransform(length)
  const samples = new Float64Array(length)
  const columns = new Float64Array(hashSize * length)
  for (let column = 0; column < length; column++) {
    for (let row = 0; row < length; row++) samples[row] = luma[row * length + column]!
    transform(samples)
    for (let row = 0; row < hashSize; row++) columns[row * length + column] = samples[row]!
  }
  const lowest = new Float64Array(hashSize * hashSize)
  for (let row = 0; row < hashSize; row++) {
    const frequencies = columns.subarray(row * length, (row + 1) * length)
    transform(frequencies)
    lowest.set(frequencies.subarray(0, hashSize), row * hashSize)
  }
  const middle = median(lowest)
  return Array.from(lowest, (coefficient) => coefficient > middle)
}

/** Of an even number of values the mean of the two in the middle. */
function median(values: Float64Array): number {
  const sorted = values.slice().sort()
  const above = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[above]! : (sorted[above - 1]! + sorted[above]!) / 2
}

let recent: { length: number; transform: CosineTransform } | undefined

/** A job's pictures are all hashed with one length. */
function recentTransform(length: number): CosineTransform {
  if (recent?.length !== length) recent = { length, transform: cosineTransform(length) }
  return recent.transform
}
