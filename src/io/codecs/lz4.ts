import { blockStreamCodec } from './block-stream.js'
import type { Codec } from './codec.js'
import { importOptional } from './optional-package.js'

interface Lz4Package {
  compressSync(bytes: Uint8Array): Buffer
  uncompressSync(bytes: Uint8Array): Buffer
}

/** The package puts a little-endian length before each block; Hadoop's blocks have none. */
const PREFIX_BYTES = 4
/** LZ4 never makes more than this of one byte. */
const MAX_RATIO = 255

/** LZ4's raw blocks in Hadoop's framing. @throws MissingPackageError */
export async function loadLz4(): Promise<Codec> {
  const lz4 = await importOptional<Lz4Package>('lz4-napi', 'LZ4 compression')
  return blockStreamCodec({
    className: 'org.apache.hadoop.io.compress.Lz4Codec',
    overhead: (bytes) => Math.floor(bytes / 255) + 16,
    compress: (chunk) => lz4.compressSync(Buffer.from(chunk)).subarray(PREFIX_BYTES),
    decompress(chunk, limit) {
      const prefixed = Buffer.allocUnsafe(PREFIX_BYTES + chunk.length)
      prefixed.writeUInt32LE(Math.min(limit, chunk.length * MAX_RATIO))
      prefixed.set(chunk, PREFIX_BYTES)
      return lz4.uncompressSync(prefixed)
    },
  })
}
