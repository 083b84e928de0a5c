import { asBuffer } from '../../io/bytes.js'
import {
  BooleanWritable,
  BytesWritable,
  ByteWritable,
  DoubleWritable,
  FloatWritable,
  IntWritable,
  LongWritable,
  NullWritable,
  ShortWritable,
  Text,
  VIntWritable,
  VLongWritable,
  type Writable,
} from '../../io/writables/index.js'
import { toRecordJson } from '../stored/record-json.js'

/** Serialized keys or values as other programs take them, in lines of text and of JSON. */

const WRITTEN_AS_STRING = new Set<string>(
  [
    BooleanWritable,
    ByteWritable,
    DoubleWritable,
    FloatWritable,
    IntWritable,
    LongWritable,
    ShortWritable,
    VIntWritable,
    VLongWritable,
  ].map(({ className }) => className),
)

/**
 * As Hadoop's classes write themselves in text: Text as its bytes, numbers in decimal, the bytes of a
 * BytesWritable in hex with spaces between; what has no such form as JSON.
 */
export function plainText({ className, decode }: Writable<unknown>): (bytes: Uint8Array) => Uint8Array {
  if (className === Text.className) return Text.utf8
  if (className === NullWritable.className) return () => Buffer.from('(null)')
  if (WRITTEN_AS_STRING.has(className)) return (bytes) => Buffer.from(String(decode(bytes)))
  if (className === BytesWritable.className) {
    return (bytes) => {
      const hex = asBuffer(BytesWritable.decode(bytes)).toString('hex')
      return Buffer.from(hex.replace(/..(?=.)/g, '$& '))
    }
  }
  return (bytes) => {
    const json = toRecordJson(className, bytes)
    return Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
  }
}

/**
 * As JSON has it: numbers as numbers, and as strings where they would not come back the same from one; all
 * else as `dump` shows it.
 */
export function plainJson({ className, decode }: Writable<unknown>): (bytes: Uint8Array) => unknown {
  if (!WRITTEN_AS_STRING.has(className)) return (bytes) => toRecordJson(className, bytes)
  return (bytes) => {
    const value = decode(bytes)
    if (typeof value === 'boolean') return value
    const number = Number(value)
    const isSame = typeof value === 'bigint' ? Number.isSafeInteger(number) : Number.isFinite(number)
    return isSame ? number : String(value)
  }
}
