import { FormatError, UnsupportedError } from '../../errors.js'
import { readInt32 } from '../bytes.js'
import { readVInt, vintSizeFromFirst } from '../vint.js'

const INT32_BYTES = 4

/** Bytes that a value of the class takes at `offset`; it may say more than there are. */
type SizeAt = (bytes: Uint8Array, offset: number) => number

const fixed: Record<string, number> = {
  NullWritable: 0,
  BooleanWritable: 1,
  ByteWritable: 1,
  ShortWritable: 2,
  IntWritable: 4,
  FloatWritable: 4,
  LongWritable: 8,
  DoubleWritable: 8,
  MD5Hash: 16,
}

const variable: Record<string, SizeAt> = {
  Text: (bytes, offset) => vintAt(bytes, offset) + readVInt(bytes, offset),
  BytesWritable: (bytes, offset) => INT32_BYTES + readInt32(bytes, offset),
  VIntWritable: vintAt,
  VLongWritable: vintAt,
}

const PACKAGE = 'org.apache.hadoop.io.'

/**
 * Where a value ends that stands among others without a length of its own, as in a MapWritable.
 * @throws UnsupportedError for a class that is not known here.
 * @throws FormatError when the value goes beyond the bytes.
 */
export function serializedSize(className: string, bytes: Uint8Array, offset: number): number {
  const name = className.startsWith(PACKAGE) ? className.slice(PACKAGE.length) : ''
  const size = Object.hasOwn(fixed, name) ? fixed[name] : variable[name]?.(bytes, offset)
  if (size === undefined) {
    throw new UnsupportedError(`Cannot read a value of ${className} within another: its length is not known`)
  }
  if (size < 0 || offset + size > bytes.length) {
    throw new FormatError(
      `Cannot read a ${name}: its ${size} bytes go beyond the ${bytes.length} that hold it`,
    )
  }
  return size
}

function vintAt(bytes: Uint8Array, offset: number): number {
  return vintSizeFromFirst(bytes[offset] ?? 0)
}
