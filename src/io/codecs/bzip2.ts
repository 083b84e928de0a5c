import { FormatError } from '../../errors.js'
import { ByteBuilder, EMPTY_BYTES } from '../bytes.js'
import { decodeBzip2 } from './bzip2-decoder.js'
import type { Codec } from './codec.js'

const FIRST_OUTPUT_BYTES = 16 * 1024
const USUAL_RATIO = 8

/**
 * Reading only: no maintained encoder is known. The decoder is our own, because those in JavaScript refuse
 * randomised blocks, which Hadoop's Java encoder makes of bytes that repeat themselves a lot.
 */
export const BZip2Codec: Codec = {
  className: 'org.apache.hadoop.io.compress.BZip2Codec',
  decompress(bytes, limit) {
    if (bytes.length === 0) return EMPTY_BYTES
    const output = new ByteBuilder(Math.max(FIRST_OUTPUT_BYTES, Math.min(limit, bytes.length * USUAL_RATIO)))
    try {
      decodeBzip2(bytes, output, limit)
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause
      throw new FormatError(`Cannot decompress BZip2Codec data: ${cause.message}`, { cause })
    }
    return output.view()
  },
}
