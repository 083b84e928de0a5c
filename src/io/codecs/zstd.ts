import { FormatError, UnsupportedError } from '../../errors.js'
import { EMPTY_BYTES, joinBytes } from '../bytes.js'
import type { Codec, StreamDecoder } from './codec.js'
import { importOptional } from './optional-package.js'
import { zstdFrames } from './zstd-frames.js'

interface ZstdPackage {
  init(): Promise<void>
  compress(bytes: Uint8Array, level: number): Uint8Array
  decompress(bytes: Uint8Array, options: { defaultHeapSize: number }): Uint8Array
}

/** Hadoop's default for io.compression.codec.zstd.level. */
const LEVEL = 3

/** Most bytes of a compressed stream, and of a frame in it: WebAssembly holds both. */
const MAX_STREAM_BYTES = 512 * 1024 * 1024

/** Zstandard frames without anything around them. @throws MissingPackageError */
export async function loadZstd(): Promise<Codec> {
  const zstd = await importOptional<ZstdPackage>('@bokuweb/zstd-wasm', 'Zstandard compression')
  await zstd.init()
  return {
    className: 'org.apache.hadoop.io.compress.ZStandardCodec',
    compress: (bytes) => zstd.compress(bytes, LEVEL),
    decompress(bytes, limit) {
      const parts: Uint8Array[] = []
      let left = limit
      for (const frame of zstdFrames(bytes)) {
        // The package allocates what a frame may hold at most, so that is looked at first.
        if (frame.stated !== undefined && frame.stated > left) throw tooMuch(limit)
        const room = Math.max(1, Math.min(left, frame.bound))
        const part = decompressFrame(bytes.subarray(frame.start, frame.end), room)
        if (part.length > left) throw tooMuch(limit)
        left -= part.length
        parts.push(part)
      }
      return parts.length === 0 ? EMPTY_BYTES : joinBytes(parts)
    },
    decoder: () => new ZstdDecoder(decompressFrame),
  }

  function decompressFrame(frame: Uint8Array, room: number): Uint8Array {
    try {
      return zstd.decompress(frame, { defaultHeapSize: room })
    } catch (cause) {
      throw new FormatError('Cannot decompress ZStandardCodec data: it is damaged', { cause })
    }
  }
}

/** The package knows whole frames alone, and most files are one: so all is gathered first. */
class ZstdDecoder implements StreamDecoder {
  private readonly pushed: Uint8Array[] = []
  private length = 0

  constructor(private readonly decompressFrame: (frame: Uint8Array, room: number) => Uint8Array) {}

  push(bytes: Uint8Array): Iterable<Uint8Array> {
    this.length += bytes.length
    this.require(this.length)
    this.pushed.push(bytes)
    return []
  }

  *end(): Iterable<Uint8Array> {
    const bytes = joinBytes(this.pushed)
    for (const { start, end, stated, bound } of zstdFrames(bytes)) {
      this.require(stated ?? bound)
      yield this.decompressFrame(bytes.subarray(start, end), Math.max(1, stated ?? bound))
    }
  }

  private require(length: number): void {
    if (length <= MAX_STREAM_BYTES) return
    throw new UnsupportedError(
      `Cannot decompress ZStandardCodec data: a frame takes up to ${length} bytes of memory, the limit is ${MAX_STREAM_BYTES}; gzip is read in pieces`,
    )
  }
}

function tooMuch(limit: number): FormatError {
  return new FormatError(
    `Cannot decompress ZStandardCodec data: it holds more than the stated ${limit} bytes`,
  )
}
