import { toHex } from '../bytes.js'
import { BytesWritable, bytesToJson } from './bytes-writable.js'
import { typedBytesToJson } from './typed-bytes.js'
import type { Writable } from './writable.js'

/* org.apache.hadoop.typedbytes.TypedBytesWritable: a BytesWritable whose payload is one typed value. */
export const TypedBytesWritable: Writable<Uint8Array> = {
  className: 'org.apache.hadoop.typedbytes.TypedBytesWritable',
  encode: BytesWritable.encode,
  decode: BytesWritable.decode,
  compare: BytesWritable.compare!,
  hashCode: BytesWritable.hashCode!,
  toJson: (payload) => ({ ...bytesToJson(payload), hex: toHex(payload), value: typedBytesToJson(payload) }),
}
