import { FormatError } from '../../errors.js'
import { EMPTY_BYTES, joinBytes, readInt32, writeInt32 } from '../bytes.js'
import type { WritingCodec } from './codec.js'

/*
 * What Hadoop's BlockCompressorStream writes, for codecs that know only whole buffers (Snappy, LZ4):
 *
 *   frames, as many as there were writes:
 *     int32   length of the frame, uncompressed
 *     chunks, until their uncompressed lengths add up to it; none where it is zero:
 *       int32   length of the chunk, compressed
 *       bytes   the chunk
 *
 * A chunk holds at most a buffer of bytes, less what the codec may add to bytes that do not compress.
 */
const LENGTH_BYTES = 4
const BUFFER_BYTES = 256 * 1024

/** A codec for single chunks. */
export interface ChunkCodec {
  readonly className: string
  /** Most bytes that compression adds to a buffer of this many bytes. */
  overhead(bufferBytes: number): number
  compress(chunk: Uint8Array): Uint8Array
  /**
   * @param limit most bytes that may come out
   * @throws anything, when the chunk is damaged or holds more than the limit
   */
  decompress(chunk: Uint8Array, limit: number): Uint8Array
}

export function blockStreamCodec(codec: ChunkCodec): WritingCodec {
  const chunkBytes = BUFFER_BYTES - codec.overhead(BUFFER_BYTES)
  return {
    className: codec.className,

    compress(bytes) {
      const parts = [encodeLength(bytes.length)]
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        const chunk = codec.compress(bytes.subarray(at, at + chunkBytes))
        parts.push(encodeLength(chunk.length), chunk)
      }
      return joinBytes(parts)
    },

    decompress(bytes, limit) {
      const parts: Uint8Array[] = []
      let total = 0
      for (let at = 0; at < bytes.length; ) {
        let left = readLength(bytes, at)
        at += LENGTH_BYTES
        total += left
        if (total > limit) throw damaged(`it holds more than the stated ${limit} bytes`)
        while (left > 0) {
          const length = readLength(bytes, at)
          at += LENGTH_BYTES
          if (at + length > bytes.length) throw damaged(`a chunk of ${length} bytes goes beyond its end`)
          const chunk = decompressChunk(bytes.subarray(at, at + length), left)
          if (chunk.length > left || chunk.length === 0)
            throw damaged(`a chunk holds ${chunk.length} of ${left} bytes`)
          at += length
          left -= chunk.length
          parts.push(chunk)
        }
      }
      return parts.length === 0 ? EMPTY_BYTES : joinBytes(parts)
    },
  }

  function decompressChunk(chunk: Uint8Array, limit: number): Uint8Array {
    try {
      return codec.decompress(chunk, limit)
    } catch (cause) {
      throw damaged((cause as Error).message, cause)
    }
  }

  function readLength(bytes: Uint8Array, at: number): number {
    if (at + LENGTH_BYTES > bytes.length) throw damaged('it ends within a length')
    const length = readInt32(bytes, at)
    if (length < 0) throw damaged(`a length is ${length}`)
    return length
  }

  function damaged(problem: string, cause?: unknown): FormatError {
    const name = codec.className.slice(codec.className.lastIndexOf('.') + 1)
    return new FormatError(`Cannot decompress ${name} data: ${problem}`, cause === undefined ? {} : { cause })
  }
}

function encodeLength(length: number): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES)
  writeInt32(bytes, 0, length)
  return bytes
}
