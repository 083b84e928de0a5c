import { deflateSync, gunzipSync, gzipSync, inflateSync, type ZlibOptions } from 'node:zlib'
import { FormatError } from '../../errors.js'
import { EMPTY_BYTES } from '../bytes.js'
import type { WritingCodec } from './codec.js'

/** Deflate never makes more than this of one byte. */
const MAX_DEFLATE_RATIO = 1032
/** A first guess of how much a value grows, where its length is not stated. */
const USUAL_RATIO = 4
const MIN_CHUNK_BYTES = 1024
const MAX_CHUNK_BYTES = 64 * 1024 * 1024

export const DefaultCodec = zlibCodec('DefaultCodec', deflateSync, inflateSync)
export const DeflateCodec = zlibCodec('DeflateCodec', deflateSync, inflateSync)
export const GzipCodec = zlibCodec('GzipCodec', gzipSync, gunzipSync)

function zlibCodec(
  name: string,
  compress: (bytes: Uint8Array) => Uint8Array,
  decompress: (bytes: Uint8Array, options: ZlibOptions) => Uint8Array,
): WritingCodec {
  return {
    className: `org.apache.hadoop.io.compress.${name}`,
    compress,
    decompress(bytes, limit) {
      // Hadoop's Java gzip writes nothing at all for an empty value.
      if (bytes.length === 0) return EMPTY_BYTES
      const largest = Math.min(limit, bytes.length * MAX_DEFLATE_RATIO)
      const guess = limit <= bytes.length * MAX_DEFLATE_RATIO ? limit + 1 : bytes.length * USUAL_RATIO
      try {
        const result = decompress(bytes, {
          maxOutputLength: Math.max(1, largest),
          // One chunk that holds it all spares zlib the joining of many.
          chunkSize: Math.min(MAX_CHUNK_BYTES, Math.max(MIN_CHUNK_BYTES, guess)),
        })
        if (result.length <= limit) return result
      } catch (cause) {
        throw new FormatError(`Cannot decompress ${name} data: ${(cause as Error).message}`, { cause })
      }
      throw new FormatError(`Cannot decompress ${name} data: it holds more than the stated ${limit} bytes`)
    },
  }
}
