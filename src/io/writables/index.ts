import { BooleanWritable } from './boolean-writable.js'
import { BytesWritable, bytesToJson } from './bytes-writable.js'
import { DoubleWritable, FloatWritable } from './floats.js'
import {
  ByteWritable,
  IntWritable,
  LongWritable,
  ShortWritable,
  VIntWritable,
  VLongWritable,
} from './integers.js'
import { MapWritable } from './map-writable.js'
import { MD5Hash } from './md5-hash.js'
import { NullWritable } from './null-writable.js'
import { Text } from './text.js'
import { TypedBytesWritable } from './typed-bytes-writable.js'
import type { Writable } from './writable.js'

export { arrayWritable } from './array-writable.js'
export type { MapWritableEntry } from './map-writable.js'
export type { Writable } from './writable.js'
export {
  BooleanWritable,
  BytesWritable,
  ByteWritable,
  DoubleWritable,
  FloatWritable,
  IntWritable,
  LongWritable,
  MapWritable,
  MD5Hash,
  NullWritable,
  ShortWritable,
  Text,
  TypedBytesWritable,
  VIntWritable,
  VLongWritable,
}

const known = new Map<string, Writable<never>>()

/**
 * The codec for a Java class name. A class that is not known here passes through as its bytes, so that a
 * file with foreign classes can still be read, copied and written; it has no order and no hash.
 */
export function writableFor(className: string): Writable<unknown> {
  // Filled on first use, because a MapWritable asks here for the codecs of what it holds.
  if (known.size === 0) {
    for (const writable of [
      BooleanWritable,
      BytesWritable,
      ByteWritable,
      DoubleWritable,
      FloatWritable,
      IntWritable,
      LongWritable,
      MapWritable,
      MD5Hash,
      NullWritable,
      ShortWritable,
      Text,
      TypedBytesWritable,
      VIntWritable,
      VLongWritable,
    ]) {
      known.set(writable.className, writable as Writable<never>)
    }
  }
  return (known.get(className) as Writable<unknown> | undefined) ?? rawBytes(className)
}

function rawBytes(className: string): Writable<unknown> {
  return {
    className,
    encode: (value) => value as Uint8Array,
    decode: (bytes) => bytes,
    toJson: (value) => bytesToJson(value as Uint8Array),
  }
}
