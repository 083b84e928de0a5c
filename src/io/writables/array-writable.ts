import { FormatError } from '../../errors.js'
import { joinBytes, readInt32, writeInt32 } from '../bytes.js'
import { serializedSize } from './serialized-size.js'
import type { Writable } from './writable.js'

/*
 * A subclass of org.apache.hadoop.io.ArrayWritable:
 *
 *   int32   number of values
 *   each value as its class writes it; the class itself is not written
 */
const INT32_BYTES = 4

/**
 * The codec of an ArrayWritable whose subclass fixes the class of its values. Since the bytes don't name
 * it, ArrayWritable itself passes through as bytes.
 * @param className of the subclass
 * @param element codec of the values
 */
export function arrayWritable<T>(className: string, element: Writable<T>): Writable<readonly T[]> {
  return {
    className,
    encode(values) {
      const count = new Uint8Array(INT32_BYTES)
      writeInt32(count, 0, values.length)
      return joinBytes([count, ...values.map((value) => element.encode(value))])
    },
    decode(bytes) {
      const count = bytes.length < INT32_BYTES ? -1 : readInt32(bytes, 0)
      const values: T[] = []
      let at = INT32_BYTES
      for (let i = 0; i < count; i++) {
        const size = serializedSize(element.className, bytes, at)
        if (size === 0 && count > bytes.length) break
        values.push(element.decode(bytes.subarray(at, at + size)))
        at += size
      }
      if (values.length === count && at === bytes.length) return values
      throw new FormatError(
        `Cannot read an array of ${element.className}: it states ${count} values and has ${values.length} in ${at} of ${bytes.length} bytes`,
      )
    },
    toJson: (values) => values.map((value) => element.toJson(value)),
  }
}
