import { FormatError } from '../../errors.js'
import { blockStreamCodec } from './block-stream.js'
import type { Codec } from './codec.js'
import { importOptional } from './optional-package.js'

interface SnappyPackage {
  compressSync(bytes: Uint8Array): Buffer
  uncompressSync(bytes: Uint8Array): Buffer | string
}

const LENGTH_BITS_PER_BYTE = 7
const MAX_LENGTH_BYTES = 5

/** Snappy's own blocks in Hadoop's framing. @throws MissingPackageError */
export async function loadSnappy(): Promise<Codec> {
  const snappy = await importOptional<SnappyPackage>('snappy', 'Snappy compression')
  return blockStreamCodec({
    className: 'org.apache.hadoop.io.compress.SnappyCodec',
    overhead: (bytes) => Math.floor(bytes / 6) + 32,
    compress: (chunk) => snappy.compressSync(chunk),
    decompress(chunk, limit) {
      const stated = statedLength(chunk)
      if (stated > limit) throw new FormatError(`a chunk states ${stated} bytes and ${limit} are left`)
      return snappy.uncompressSync(chunk) as Buffer
    },
  })
}

/**
 * The length that a Snappy block states at its beginning, a little-endian base-128 number. The package
 * allocates it unseen, so it is looked at first.
 */
function statedLength(chunk: Uint8Array): number {
  let length = 0
  for (let i = 0; i < MAX_LENGTH_BYTES && i < chunk.length; i++) {
    length += (chunk[i]! & 0x7f) * 2 ** (LENGTH_BITS_PER_BYTE * i)
    if (chunk[i]! < 0x80) return length
  }
  throw new FormatError('a chunk states no length')
}
