import { FormatError, UserCodeError } from '../../errors.js'

/*
 * Whole numbers from 0 on, packed so that they can be summed element by element, in any order and any
 * number of times, with the same result:
 *
 *   u8       width of an element in bytes: the least of 1, 2, 4, 8 that holds the largest
 *   each     the element, little-endian; of 8 bytes at most 2^53 - 1
 */
const WIDTHS = [1, 2, 4, 8] as const
const TWO_POW_32 = 2 ** 32

/**
 * @param values whole numbers, 0 to 2^53 - 1
 * @throws UserCodeError for any other.
 */
export function packIntegers(values: ArrayLike<number>): Uint8Array {
  let largest = 0
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new UserCodeError(
        `Cannot pack integers: number ${at} is ${value}, it must be whole, from 0 to 2^53 - 1`,
      )
    }
    if (value > largest) largest = value
  }
  const width = WIDTHS.find((bytes) => largest < 256 ** bytes)!
  const bytes = new Uint8Array(1 + values.length * width)
  bytes[0] = width
  const view = new DataView(bytes.buffer, 1)
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!
    if (width === 1) view.setUint8(at, value)
    else if (width === 2) view.setUint16(2 * at, value, true)
    else if (width === 4) view.setUint32(4 * at, value, true)
    else {
      view.setUint32(8 * at, value % TWO_POW_32, true)
      view.setUint32(8 * at + 4, Math.floor(value / TWO_POW_32), true)
    }
  }
  return bytes
}

/**
 * The sums of packed vectors, element by element. One vector is in memory at a time.
 * @throws FormatError when their lengths differ, or for bytes that {@link packIntegers} did not write.
 */
export async function addPackedIntegers(vectors: AsyncIterable<Uint8Array>): Promise<Float64Array> {
  let sums: Float64Array | undefined
  for await (const bytes of vectors) {
    sums ??= new Float64Array(countOf(bytes))
    addTo(sums, bytes)
  }
  return sums ?? new Float64Array(0)
}

function addTo(sums: Float64Array, bytes: Uint8Array): void {
  const count = countOf(bytes)
  if (count !== sums.length) {
    throw new FormatError(`Cannot add integers: one vector has ${sums.length} of them, another ${count}`)
  }
  const width = bytes[0]
  const view = new DataView(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1)
  for (let at = 0; at < count; at++) {
    if (width === 1) sums[at]! += view.getUint8(at)
    else if (width === 2) sums[at]! += view.getUint16(2 * at, true)
    else if (width === 4) sums[at]! += view.getUint32(4 * at, true)
    else sums[at]! += view.getUint32(8 * at, true) + view.getUint32(8 * at + 4, true) * TWO_POW_32
  }
}

function countOf(bytes: Uint8Array): number {
  const width = bytes[0]
  if (WIDTHS.some((each) => each === width) && (bytes.length - 1) % width! === 0) {
    return (bytes.length - 1) / width!
  }
  throw new FormatError(`Cannot read packed integers: ${bytes.length} bytes of width ${width ?? 'none'}`)
}
