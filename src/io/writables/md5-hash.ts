import { compareBytes, readInt32, toHex } from '../bytes.js'
import { requireSize } from './require-size.js'
import type { Writable } from './writable.js'

/* org.apache.hadoop.io.MD5Hash: the 16 bytes of the digest. */
const DIGEST_BYTES = 16

export const MD5Hash: Writable<Uint8Array> = {
  className: 'org.apache.hadoop.io.MD5Hash',
  encode(value) {
    requireSize('MD5Hash', value, DIGEST_BYTES)
    return value
  },
  decode(bytes) {
    requireSize('MD5Hash', bytes, DIGEST_BYTES)
    return bytes
  },
  compare: (a, b) => compareBytes(a, b),
  hashCode: (bytes) => readInt32(bytes, 0),
  toJson: toHex,
}
