import { requireSize } from './require-size.js'
import type { Writable } from './writable.js'

/* org.apache.hadoop.io.BooleanWritable: one byte, 1 or 0. Any other byte reads as true, as in Java. */
export const BooleanWritable: Writable<boolean> = {
  className: 'org.apache.hadoop.io.BooleanWritable',
  encode: (value) => Uint8Array.of(Number(value)),
  decode(bytes) {
    requireSize('BooleanWritable', bytes, 1)
    return bytes[0] !== 0
  },
  compare: (a, b) => a[0]! - b[0]!,
  /** Hadoop's is 0 for true and 1 for false. */
  hashCode: (bytes) => (bytes[0] === 0 ? 1 : 0),
  toJson: (value) => value,
}
