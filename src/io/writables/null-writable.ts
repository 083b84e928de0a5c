import { FormatError } from '../../errors.js'
import { EMPTY_BYTES } from '../bytes.js'
import type { Writable } from './writable.js'

/* org.apache.hadoop.io.NullWritable: no bytes. */
export const NullWritable: Writable<null> = {
  className: 'org.apache.hadoop.io.NullWritable',
  encode: () => EMPTY_BYTES,
  decode(bytes) {
    if (bytes.length > 0) {
      throw new FormatError(`Cannot read a NullWritable: it has ${bytes.length} bytes instead of none`)
    }
    return null
  },
  compare: () => 0,
  hashCode: () => 0,
  toJson: () => null,
}
