import { bytesToJson } from './bytes-writable.js'
import type { Writable } from './writable.js'

const known = new Map<string, Writable<unknown>>()

/** Makes a class known by its Java name; a MapWritable finds the codecs of what it holds here. */
export function registerWritable<T>(writable: Writable<T>): void {
  known.set(writable.className, writable as Writable<unknown>)
}

/**
 * The codec for a Java class name. A class that is not known here passes through as its bytes, so that a
 * file with foreign classes can still be read, copied and written; it has no order and no hash.
 */
export function writableFor(className: string): Writable<unknown> {
  return known.get(className) ?? rawBytes(className)
}

function rawBytes(className: string): Writable<unknown> {
  return {
    className,
    encode: (value) => value as Uint8Array,
    decode: (bytes) => bytes,
    toJson: (value) => bytesToJson(value as Uint8Array),
  }
}
