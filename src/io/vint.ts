import { FormatError } from '../errors.js'

/*
 * Hadoop's variable-length integer (WritableUtils.writeVLong), 1 to 9 bytes:
 *
 *   first byte, signed       value
 *   -112 ..  127             the byte itself
 *   -113 .. -120             1 to 8 bytes follow, big-endian, and are the value
 *   -121 .. -128             1 to 8 bytes follow, big-endian, and are the complement of the value
 */
const SMALLEST_SINGLE = -112
const LARGEST_SINGLE = 127
const SMALLEST_POSITIVE_MARK = -120
/** Bytes of the longest int32. */
export const MAX_VINT_BYTES = 5
const MAX_INT = 0x7fffffff
const MIN_INT = -0x80000000

/** Bytes that a vint takes, told from its first byte (0 to 255). */
export function vintSizeFromFirst(first: number): number {
  const mark = (first << 24) >> 24
  if (mark >= SMALLEST_SINGLE) return 1
  return mark < SMALLEST_POSITIVE_MARK ? SMALLEST_POSITIVE_MARK + 1 - mark : SMALLEST_SINGLE + 1 - mark
}

/** Bytes that {@link writeVInt} takes for an int32 (or any integer below 2^48 in size). */
export function vintSize(value: number): number {
  if (value >= SMALLEST_SINGLE && value <= LARGEST_SINGLE) return 1
  let size = 1
  for (let rest = value < 0 ? -value - 1 : value; rest >= 1; rest = Math.floor(rest / 256)) size++
  return size
}

/**
 * The int32 at `offset`.
 * @throws FormatError when the bytes end before it does, or it is no int32.
 */
export function readVInt(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]
  if (first === undefined) throw cutShort(offset)
  const mark = (first << 24) >> 24
  if (mark >= SMALLEST_SINGLE) return mark
  const negative = mark < SMALLEST_POSITIVE_MARK
  const end = offset + vintSizeFromFirst(first)
  if (end > bytes.length) throw cutShort(offset)
  let magnitude = 0
  for (let at = offset + 1; at < end; at++) magnitude = magnitude * 256 + bytes[at]!
  const value = negative ? -magnitude - 1 : magnitude
  if (value > MAX_INT || value < MIN_INT) {
    throw new FormatError(`Cannot read a vint: ${value} is beyond 32 bits`, { details: { offset } })
  }
  return value
}

/** @throws FormatError when the bytes end before the number does. */
export function readVLong(bytes: Uint8Array, offset: number): bigint {
  const first = bytes[offset]
  if (first === undefined) throw cutShort(offset)
  const mark = (first << 24) >> 24
  if (mark >= SMALLEST_SINGLE) return BigInt(mark)
  const end = offset + vintSizeFromFirst(first)
  if (end > bytes.length) throw cutShort(offset)
  let magnitude = 0n
  for (let at = offset + 1; at < end; at++) magnitude = (magnitude << 8n) | BigInt(bytes[at]!)
  return BigInt.asIntN(64, mark < SMALLEST_POSITIVE_MARK ? ~magnitude : magnitude)
}

/** Writes an int32 and returns the offset after it. The caller has made room ({@link vintSize}). */
export function writeVInt(bytes: Uint8Array, offset: number, value: number): number {
  if (value >= SMALLEST_SINGLE && value <= LARGEST_SINGLE) {
    bytes[offset] = value
    return offset + 1
  }
  const following = vintSize(value) - 1
  bytes[offset] = (value < 0 ? SMALLEST_POSITIVE_MARK : SMALLEST_SINGLE) - following
  let rest = value < 0 ? -value - 1 : value
  for (let at = offset + following; at > offset; at--) {
    bytes[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return offset + following + 1
}

export function encodeVInt(value: number): Uint8Array {
  const bytes = new Uint8Array(vintSize(value))
  writeVInt(bytes, 0, value)
  return bytes
}

export function encodeVLong(value: bigint | number): Uint8Array {
  const long = BigInt.asIntN(64, BigInt(value))
  if (long >= BigInt(SMALLEST_SINGLE) && long <= BigInt(LARGEST_SINGLE)) return encodeVInt(Number(long))
  const following: number[] = []
  for (let rest = long < 0n ? ~long : long; rest > 0n; rest >>= 8n) following.unshift(Number(rest & 0xffn))
  const mark = (long < 0n ? SMALLEST_POSITIVE_MARK : SMALLEST_SINGLE) - following.length
  return Uint8Array.of(mark, ...following)
}

function cutShort(offset: number): FormatError {
  return new FormatError(`Cannot read a vint: the bytes end at ${offset} or within the number`, {
    details: { offset },
  })
}
