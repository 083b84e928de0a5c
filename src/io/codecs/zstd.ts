import { FormatError } from '../../errors.js'
import { EMPTY_BYTES, joinBytes } from '../bytes.js'
import type { Codec } from './codec.js'
import { importOptional } from './optional-package.js'
import { zstdFrames } from './zstd-frames.js'

interface ZstdPackage {
  init(): Promise<void>
  compress(bytes: Uint8Array, level: number): Uint8Array
  decompress(bytes: Uint8Array, options: { defaultHeapSize: number }): Uint8Array
}

/** Hadoop's default for io.compression.codec.zstd.level. */
const LEVEL = 3

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
  }

  function decompressFrame(frame: Uint8Array, room: number): Uint8Array {
    try {
      return zstd.decompress(frame, { defaultHeapSize: room })
    } catch (cause) {
      throw new FormatError('Cannot decompress ZStandardCodec data: it is damaged', { cause })
    }
  }
}

function tooMuch(limit: number): FormatError {
  return new FormatError(
    `Cannot decompress ZStandardCodec data: it holds more than the stated ${limit} bytes`,
  )
}
