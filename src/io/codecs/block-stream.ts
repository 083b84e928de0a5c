import { FormatError } from '../../errors.js'
import { EMPTY_BYTES, joinBytes, readInt32, writeInt32 } from '../bytes.js'
import type { StreamDecoder, WritingCodec } from './codec.js'

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
      const decoder = new BlockStreamDecoder(codec, limit)
      const parts = decoder.push(bytes)
      decoder.end()
      return parts.length === 0 ? EMPTY_BYTES : joinBytes(parts)
    },

    decoder: () => new BlockStreamDecoder(codec, Number.MAX_SAFE_INTEGER),
  }
}

class BlockStreamDecoder implements StreamDecoder {
  private rest: Uint8Array = EMPTY_BYTES
  /** Bytes that the frame still holds, uncompressed. */
  private left = 0
  private total = 0

  constructor(
    private readonly codec: ChunkCodec,
    private readonly limit: number,
  ) {}

  push(pushed: Uint8Array): Uint8Array[] {
    const bytes = this.rest.length === 0 ? pushed : joinBytes([this.rest, pushed])
    const parts: Uint8Array[] = []
    let at = 0
    while (at + LENGTH_BYTES <= bytes.length) {
      const length = this.readLength(bytes, at)
      if (this.left === 0) {
        at += LENGTH_BYTES
        this.left = length
        this.total += length
        if (this.total > this.limit) throw this.damaged(`it holds more than the stated ${this.limit} bytes`)
        continue
      }
      const start = at + LENGTH_BYTES
      if (length > this.left + this.codec.overhead(this.left))
        throw this.damaged(`a chunk has ${length} bytes for ${this.left}`)
      if (start + length > bytes.length) break
      const chunk = this.decompressChunk(bytes.subarray(start, start + length))
      if (chunk.length > this.left || chunk.length === 0)
        throw this.damaged(`a chunk holds ${chunk.length} of ${this.left} bytes`)
      at = start + length
      this.left -= chunk.length
      parts.push(chunk)
    }
    this.rest = bytes.subarray(at)
    return parts
  }

  end(): Uint8Array[] {
    if (this.rest.length >= LENGTH_BYTES) {
      throw this.damaged(`a chunk of ${this.readLength(this.rest, 0)} bytes goes beyond its end`)
    }
    if (this.rest.length > 0 || this.left > 0) throw this.damaged('it ends within a length')
    return []
  }

  private decompressChunk(chunk: Uint8Array): Uint8Array {
    try {
      return this.codec.decompress(chunk, this.left)
    } catch (cause) {
      throw this.damaged((cause as Error).message, cause)
    }
  }

  private readLength(bytes: Uint8Array, at: number): number {
    const length = readInt32(bytes, at)
    if (length < 0) throw this.damaged(`a length is ${length}`)
    return length
  }

  private damaged(problem: string, cause?: unknown): FormatError {
    const { className } = this.codec
    const name = className.slice(className.lastIndexOf('.') + 1)
    return new FormatError(`Cannot decompress ${name} data: ${problem}`, cause === undefined ? {} : { cause })
  }
}

function encodeLength(length: number): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES)
  writeInt32(bytes, 0, length)
  return bytes
}
