import { createRequire } from 'node:module'
import type { xxh3 as NativeXxh3 } from '@node-rs/xxhash'
import type { createXXHash3, IHasher } from 'hash-wasm'

/** From here on the hash in WebAssembly is faster, although it copies: the native one is built without SIMD. */
const LARGE_BYTES = 8 * 1024

const require = createRequire(import.meta.url)
/** Loaded on first use: a thread that only plans need not open a native library. */
let native: typeof NativeXxh3 | undefined
let large: IHasher | undefined
let loading: Promise<void> | undefined

/** Readies the hash for large values; until then all go the slower way, to the same result. */
export function loadXxh3(): Promise<void> {
  loading ??= (async () => {
    large = await createHasher()
  })()
  return loading
}

function createHasher(): Promise<IHasher> {
  // Its own small file: the package's main module holds thirty other hashes.
  const module = require('hash-wasm/dist/xxhash3.umd.min.js') as { createXXHash3: typeof createXXHash3 }
  return module.createXXHash3()
}

function numberOf(digest: Uint8Array): bigint {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).readBigUInt64BE()
}

/** The same hash of bytes that come in pieces. */
export class Xxh3Stream {
  private constructor(private readonly hasher: IHasher) {}

  static async create(): Promise<Xxh3Stream> {
    return new Xxh3Stream((await createHasher()).init())
  }

  update(bytes: Uint8Array): void {
    this.hasher.update(bytes)
  }

  digest(): bigint {
    return numberOf(this.hasher.digest('binary'))
  }
}

/** xxh3-64, seed 0. */
export function xxh3(bytes: Uint8Array): bigint {
  if (!large || bytes.length < LARGE_BYTES) {
    native ??= (require('@node-rs/xxhash') as { xxh3: typeof NativeXxh3 }).xxh3
    return native.xxh64(bytes)
  }
  return numberOf(large.init().update(bytes).digest('binary'))
}
