import { FormatError, UnsupportedError } from '../../errors.js'
import { toHex } from '../../io/bytes.js'
import { bytesToJson } from '../../io/writables/bytes-writable.js'
import {
  BytesWritable,
  MapWritable,
  type MapWritableEntry,
  Text,
  writableFor,
} from '../../io/writables/index.js'
import { keyToJson } from '../task/task.js'

export interface RecordJsonOptions {
  /** Bytes as their length and SHA-256 instead of base64. @default false */
  digest?: boolean
}

/**
 * A serialized key or value as JSON, typed: Text as a string (as `{ base64 }` where it is no UTF-8), whole
 * numbers as numbers and 64-bit ones as decimal strings, floating point as `{ n, bits }`, maps as
 * `{ map: [...] }` of entries with their classes. The bytes of a BytesWritable, and of a class that is not
 * known here, are base64, or with `digest` `{ len, sha256 }`.
 * @throws FormatError when the bytes are not what the class writes.
 */
export function toRecordJson(className: string, bytes: Uint8Array, options: RecordJsonOptions = {}): unknown {
  if (className === Text.className) return keyToJson(className, bytes)
  return decodedJson(className, writableFor(className).decode(bytes), options)
}

function decodedJson(className: string, value: unknown, options: RecordJsonOptions): unknown {
  if (className === MapWritable.className) {
    const map = (value as readonly MapWritableEntry[]).map((entry) => ({
      keyClass: entry.keyClass,
      key: decodedJson(entry.keyClass, entry.key, options),
      valueClass: entry.valueClass,
      value: decodedJson(entry.valueClass, entry.value, options),
    }))
    return { map }
  }
  const isPlainBytes = className === BytesWritable.className || !isKnownWritable(className)
  if (!(isPlainBytes && value instanceof Uint8Array)) return writableFor(className).toJson(value)
  if (!options.digest) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
  const { len, sha256 } = bytesToJson(value)
  return { len, sha256 }
}

/**
 * What is wrong with a serialized key or value: bytes that its class does not write. Undefined where nothing
 * is, or the class is not known. Text is not decoded for it, only its length looked at.
 */
export function serializationError(className: string, bytes: Uint8Array): string | undefined {
  try {
    if (className === Text.className) Text.utf8(bytes)
    else writableFor(className).decode(bytes)
    return undefined
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof UnsupportedError)) throw error
    return error.message
  }
}

/** Whether values of the class are understood; those of others are their serialized bytes. */
export function isKnownWritable(className: string): boolean {
  const writable = writableFor(className)
  // The registry makes a new codec of plain bytes each time it is asked for a class that it does not know.
  return writable === writableFor(className)
}

/** A key for messages; one that is damaged as its first bytes. */
export function keyForMessage(keyClass: string, key: Uint8Array): unknown {
  try {
    return toRecordJson(keyClass, key)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { hex: toHex(key.subarray(0, 64)) }
  }
}
