import { createHash } from 'node:crypto'
import { FormatError } from '../../errors.js'
import { compareBytes, readInt32, toHex, writeInt32 } from '../bytes.js'
import { hashBytes } from '../hash.js'
import type { Writable } from './writable.js'

/*
 * org.apache.hadoop.io.BytesWritable
 *
 *   int32   length of the payload
 *   bytes   the payload
 */
const LENGTH_BYTES = 4
const MAX_PAYLOAD_BYTES = 0x7fffffff
/** Payloads up to this are shown in full. */
const SHOWN_BYTES = 48

export interface BytesWritableClass extends Writable<Uint8Array> {
  compare(a: Uint8Array, b: Uint8Array): number
  hashCode(bytes: Uint8Array): number
  /** What stands before a payload of this length, so that a writer need not copy the payload. */
  prefix(payloadBytes: number): Uint8Array
}

export const BytesWritable: BytesWritableClass = {
  className: 'org.apache.hadoop.io.BytesWritable',

  encode(value) {
    const bytes = Buffer.allocUnsafe(LENGTH_BYTES + value.length)
    writeLength(bytes, value.length)
    bytes.set(value, LENGTH_BYTES)
    return bytes
  },

  /** The payload as a view of `bytes`. */
  decode(bytes) {
    const length = bytes.length < LENGTH_BYTES ? -1 : readInt32(bytes, 0)
    if (length !== bytes.length - LENGTH_BYTES) {
      throw new FormatError(
        `Cannot read a BytesWritable: it states ${length} bytes and has ${bytes.length - LENGTH_BYTES}`,
      )
    }
    return bytes.subarray(LENGTH_BYTES)
  },

  compare: (a, b) => compareBytes(a, b, LENGTH_BYTES, LENGTH_BYTES),

  hashCode: (bytes) => hashBytes(bytes, LENGTH_BYTES),

  prefix(payloadBytes) {
    const bytes = new Uint8Array(LENGTH_BYTES)
    writeLength(bytes, payloadBytes)
    return bytes
  },

  toJson: bytesToJson,
}

/** Bytes for people and tools: length, SHA-256, and where they are few the bytes themselves. */
export function bytesToJson(bytes: Uint8Array): Record<string, unknown> {
  return {
    len: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    ...(bytes.length <= SHOWN_BYTES ? { hex: toHex(bytes) } : {}),
  }
}

function writeLength(bytes: Uint8Array, length: number): void {
  if (length > MAX_PAYLOAD_BYTES) {
    throw new FormatError(
      `Cannot write a BytesWritable: ${length} bytes are over the limit of ${MAX_PAYLOAD_BYTES}`,
    )
  }
  writeInt32(bytes, 0, length)
}
