import { createRequire } from 'node:module'
import { xxh3 as native } from '@node-rs/xxhash'
import type { createXXHash3, IHasher } from 'hash-wasm'

/** From here on the hash in WebAssembly is faster, although it copies: the native one is built without SIMD. */
const LARGE_BYTES = 8 * 1024

let large: IHasher | undefined
let loading: Promise<void> | undefined

/** Readies the hash for large values; until then all go the slower way, to the same result. */
export function loadXxh3(): Promise<void> {
  loading ??= (async () => {
    // Its own small file: the package's main module holds thirty other hashes.
    const module = createRequire(import.meta.url)('hash-wasm/dist/xxhash3.umd.min.js') as {
      createXXHash3: typeof createXXHash3
    }
    large = await module.createXXHash3()
  })()
  return loading
}

/** xxh3-64, seed 0. */
export function xxh3(bytes: Uint8Array): bigint {
  if (!large || bytes.length < LARGE_BYTES) return native.xxh64(bytes)
  const digest = large.init().update(bytes).digest('binary')
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).readBigUInt64BE()
}
