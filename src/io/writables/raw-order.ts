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

/** Bytes of a key that a prefix holds: as many as a number holds exactly. */
const PREFIX_BYTES = 6

/**
 * A number by which most keys can be told apart without looking at their bytes: keys whose numbers differ
 * are in the order of the numbers, for the others the bytes must be compared.
 */
export function rawPrefix(order: RawOrder, key: Uint8Array): number {
  const start = order.start(key[0]!)
  let prefix = 0
  for (let at = start; at < start + PREFIX_BYTES; at++) prefix = prefix * 256 + (key[at] ?? 0)
  // The sign bit of the first byte: what has it comes before what has not.
  if (order.isSigned) prefix += key[start]! < 0x80 ? 2 ** 47 : -(2 ** 47)
  return prefix
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
