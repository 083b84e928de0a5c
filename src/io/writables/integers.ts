import { FormatError } from '../../errors.js'
import { readInt32 } from '../bytes.js'
import { encodeVInt, encodeVLong, readVInt, readVLong, vintSizeFromFirst } from '../vint.js'
import { requireSize } from './require-size.js'
import type { Writable } from './writable.js'

/*
 * Hadoop's whole numbers, big-endian and signed:
 *
 *   ByteWritable    int8       ShortWritable   int16
 *   IntWritable     int32      LongWritable    int64
 *   VIntWritable    vint       VLongWritable   vlong
 */
const INT_BYTES = 4
const LONG_BYTES = 8
const MIN_LONG = -(2n ** 63n)
const MAX_LONG = 2n ** 63n - 1n

export const ByteWritable = fixedInteger('ByteWritable', 1)
export const ShortWritable = fixedInteger('ShortWritable', 2)
export const IntWritable = fixedInteger('IntWritable', INT_BYTES)

export const LongWritable: Writable<bigint> & { encode(value: bigint | number): Uint8Array } = {
  className: 'org.apache.hadoop.io.LongWritable',
  encode(value: bigint | number) {
    const bytes = Buffer.allocUnsafe(LONG_BYTES)
    bytes.writeBigInt64BE(requireLong('LongWritable', value))
    return bytes
  },
  decode(bytes) {
    requireSize('LongWritable', bytes, LONG_BYTES)
    return (BigInt(readInt32(bytes, 0)) << 32n) | BigInt(readInt32(bytes, INT_BYTES) >>> 0)
  },
  compare(a, b) {
    return (
      readInt32(a, 0) - readInt32(b, 0) || (readInt32(a, INT_BYTES) >>> 0) - (readInt32(b, INT_BYTES) >>> 0)
    )
  },
  /** Hadoop takes the low 32 bits, not both halves as Java's Long does. */
  hashCode: (bytes) => readInt32(bytes, INT_BYTES),
  toJson: String,
}

/** A LongWritable as a number, for file positions: exact up to 2^53. */
export function longToNumber(bytes: Uint8Array): number {
  requireSize('LongWritable', bytes, LONG_BYTES)
  return readInt32(bytes, 0) * 2 ** 32 + (readInt32(bytes, INT_BYTES) >>> 0)
}

export const VIntWritable: Writable<number> = {
  className: 'org.apache.hadoop.io.VIntWritable',
  encode(value) {
    requireInteger('VIntWritable', value, INT_BYTES)
    return encodeVInt(value)
  },
  decode(bytes) {
    requireVSize('VIntWritable', bytes)
    return readVInt(bytes, 0)
  },
  compare: (a, b) => readVInt(a, 0) - readVInt(b, 0),
  hashCode: (bytes) => readVInt(bytes, 0),
  toJson: (value) => value,
}

export const VLongWritable: Writable<bigint> & { encode(value: bigint | number): Uint8Array } = {
  className: 'org.apache.hadoop.io.VLongWritable',
  encode: (value: bigint | number) => encodeVLong(requireLong('VLongWritable', value)),
  decode(bytes) {
    requireVSize('VLongWritable', bytes)
    return readVLong(bytes, 0)
  },
  compare(a, b) {
    const difference = readVLong(a, 0) - readVLong(b, 0)
    return difference < 0n ? -1 : difference > 0n ? 1 : 0
  },
  hashCode: (bytes) => Number(BigInt.asIntN(32, readVLong(bytes, 0))),
  toJson: String,
}

function fixedInteger(name: string, size: number): Writable<number> {
  const read = (bytes: Uint8Array) => asReadable(bytes).readIntBE(0, size)
  return {
    className: `org.apache.hadoop.io.${name}`,
    encode(value) {
      requireInteger(name, value, size)
      const bytes = Buffer.allocUnsafe(size)
      bytes.writeIntBE(value, 0, size)
      return bytes
    },
    decode(bytes) {
      requireSize(name, bytes, size)
      return size === INT_BYTES ? readInt32(bytes, 0) : read(bytes)
    },
    compare: size === INT_BYTES ? (a, b) => readInt32(a, 0) - readInt32(b, 0) : (a, b) => read(a) - read(b),
    hashCode: read,
    toJson: (value) => value,
  }
}

function asReadable(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function requireVSize(name: string, bytes: Uint8Array): void {
  requireSize(name, bytes, bytes.length === 0 ? 1 : vintSizeFromFirst(bytes[0]!))
}

function requireInteger(name: string, value: number, size: number): void {
  const limit = 2 ** (8 * size - 1)
  if (Number.isInteger(value) && value >= -limit && value < limit) return
  throw new FormatError(`Cannot write a ${name}: ${value} is no integer from ${-limit} to ${limit - 1}`)
}

function requireLong(name: string, value: bigint | number): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new FormatError(`Cannot write a ${name}: ${value} is no exact integer; give a bigint`)
  }
  const long = BigInt(value)
  if (long < MIN_LONG || long > MAX_LONG) {
    throw new FormatError(`Cannot write a ${name}: ${value} is beyond 64 bits`)
  }
  return long
}
