import { vintSizeFromFirst } from '../vint.js'
import { BytesWritable } from './bytes-writable.js'
import { ByteWritable, IntWritable, LongWritable, ShortWritable } from './integers.js'
import { MD5Hash } from './md5-hash.js'
import { Text } from './text.js'

/**
 * How a class's order shows in its serialized bytes, so that a sort can look at the bytes of a key instead
 * of calling a comparator: from `start` on they compare as unsigned bytes, the first one with its sign bit
 * turned where `isSigned`.
 */
export interface RawOrder {
  readonly isSigned: boolean
  /** Where the bytes that count begin, told from the first byte of the key. */
  start(first: number): number
}

const wholeNumber: RawOrder = { isSigned: true, start: () => 0 }

const orders = new Map<string, RawOrder>([
  [Text.className, { isSigned: false, start: vintSizeFromFirst }],
  [BytesWritable.className, { isSigned: false, start: () => 4 }],
  [MD5Hash.className, { isSigned: false, start: () => 0 }],
  [ByteWritable.className, wholeNumber],
  [ShortWritable.className, wholeNumber],
  [IntWritable.className, wholeNumber],
  [LongWritable.className, wholeNumber],
])

/** Undefined for a class whose order takes its comparator to tell. */
export function rawOrderOf(className: string): RawOrder | undefined {
  return orders.get(className)
}
