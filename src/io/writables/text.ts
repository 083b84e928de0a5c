import { FormatError } from '../../errors.js'
import { asBuffer, compareBytes } from '../bytes.js'
import { hashBytes } from '../hash.js'
import { readVInt, vintSize, vintSizeFromFirst, writeVInt } from '../vint.js'
import type { Writable } from './writable.js'

const MAX_TEXT_BYTES = 0x7fffffff

/*
 * org.apache.hadoop.io.Text
 *
 *   vint    length of the string in bytes
 *   bytes   the string as UTF-8
 */
export interface TextWritable extends Writable<string> {
  compare(a: Uint8Array, b: Uint8Array): number
  hashCode(bytes: Uint8Array): number
  /** The UTF-8 within a serialized Text: a view, nothing is decoded. */
  utf8(bytes: Uint8Array): Uint8Array
  /** A serialized Text of bytes that need not be good UTF-8: Hadoop's keys are bytes. */
  fromUtf8(utf8: Uint8Array): Uint8Array
}

export const Text: TextWritable = {
  className: 'org.apache.hadoop.io.Text',

  encode(value) {
    const length = Buffer.byteLength(value)
    const bytes = allocateText(length)
    bytes.write(value, bytes.length - length)
    return bytes
  },

  /** Malformed UTF-8 becomes U+FFFD: a key must be showable, whatever a camera wrote. */
  decode(bytes) {
    return asBuffer(bytes).toString('utf8', payloadStart(bytes))
  },

  compare(a, b) {
    return compareBytes(a, b, vintSizeFromFirst(a[0]!), vintSizeFromFirst(b[0]!))
  },

  hashCode(bytes) {
    return hashBytes(bytes, payloadStart(bytes))
  },

  utf8(bytes) {
    return bytes.subarray(payloadStart(bytes))
  },

  fromUtf8(utf8) {
    const bytes = allocateText(utf8.length)
    bytes.set(utf8, bytes.length - utf8.length)
    return bytes
  },

  toJson: (value) => value,
}

function allocateText(utf8Bytes: number): Buffer {
  if (utf8Bytes > MAX_TEXT_BYTES) {
    throw new FormatError(`Cannot write a Text: ${utf8Bytes} bytes are over the limit of ${MAX_TEXT_BYTES}`)
  }
  const bytes = Buffer.allocUnsafe(vintSize(utf8Bytes) + utf8Bytes)
  writeVInt(bytes, 0, utf8Bytes)
  return bytes
}

function payloadStart(bytes: Uint8Array): number {
  const length = readVInt(bytes, 0)
  const start = vintSizeFromFirst(bytes[0]!)
  if (length !== bytes.length - start) {
    throw new FormatError(`Cannot read a Text: it states ${length} bytes and has ${bytes.length - start}`)
  }
  return start
}
