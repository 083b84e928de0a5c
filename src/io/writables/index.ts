import { BooleanWritable } from './boolean-writable.js'
import { BytesWritable } from './bytes-writable.js'
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
import { registerWritable } from './registry.js'
import { Text } from './text.js'
import { TypedBytesWritable } from './typed-bytes-writable.js'

export { arrayWritable } from './array-writable.js'
export type { MapWritableEntry } from './map-writable.js'
export { writableFor } from './registry.js'
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

registerWritable(BooleanWritable)
registerWritable(BytesWritable)
registerWritable(ByteWritable)
registerWritable(DoubleWritable)
registerWritable(FloatWritable)
registerWritable(IntWritable)
registerWritable(LongWritable)
registerWritable(MapWritable)
registerWritable(MD5Hash)
registerWritable(NullWritable)
registerWritable(ShortWritable)
registerWritable(Text)
registerWritable(TypedBytesWritable)
registerWritable(VIntWritable)
registerWritable(VLongWritable)
