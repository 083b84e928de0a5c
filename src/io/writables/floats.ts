import { readInt32, toHex } from '../bytes.js'
import { requireSize } from './require-size.js'
import type { Writable } from './writable.js'

/*
 * org.apache.hadoop.io.FloatWritable    4 bytes, IEEE 754, big-endian
 * org.apache.hadoop.io.DoubleWritable   8 bytes, the same
 */
const FLOAT_BYTES = 4
const DOUBLE_BYTES = 8
/** What Java makes of every NaN before it takes the hash. */
const CANONICAL_FLOAT_NAN = 0x7fc00000
const CANONICAL_DOUBLE_NAN_LOW = 0

export const FloatWritable: Writable<number> = {
  className: 'org.apache.hadoop.io.FloatWritable',
  encode(value) {
    const bytes = Buffer.allocUnsafe(FLOAT_BYTES)
    bytes.writeFloatBE(value)
    return bytes
  },
  decode(bytes) {
    requireSize('FloatWritable', bytes, FLOAT_BYTES)
    return readFloat(bytes)
  },
  compare: (a, b) => compareFloats(readFloat(a), readFloat(b)),
  hashCode: (bytes) => (Number.isNaN(readFloat(bytes)) ? CANONICAL_FLOAT_NAN : readInt32(bytes, 0)),
  toJson: (value) => floatToJson(value, FloatWritable.encode(value)),
}

export const DoubleWritable: Writable<number> = {
  className: 'org.apache.hadoop.io.DoubleWritable',
  encode(value) {
    const bytes = Buffer.allocUnsafe(DOUBLE_BYTES)
    bytes.writeDoubleBE(value)
    return bytes
  },
  decode(bytes) {
    requireSize('DoubleWritable', bytes, DOUBLE_BYTES)
    return readDouble(bytes)
  },
  compare: (a, b) => compareFloats(readDouble(a), readDouble(b)),
  /** Hadoop takes the low 32 bits. */
  hashCode: (bytes) => (Number.isNaN(readDouble(bytes)) ? CANONICAL_DOUBLE_NAN_LOW : readInt32(bytes, 4)),
  toJson: (value) => floatToJson(value, DoubleWritable.encode(value)),
}

/** A number for JSON, with what JSON can't say as text, and its bits. */
export function floatToJson(value: number, bits: Uint8Array): { n: number | string; bits: string } {
  const plain = Number.isFinite(value) && !Object.is(value, -0)
  return { n: plain ? value : Object.is(value, -0) ? '-0' : String(value), bits: toHex(bits) }
}

/** Java's order: -0 before 0, and NaN after everything. */
function compareFloats(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return Number(Object.is(b, -0)) - Number(Object.is(a, -0))
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

function readFloat(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat32(0)
}

function readDouble(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat64(0)
}
