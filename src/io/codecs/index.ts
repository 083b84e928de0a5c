import { UnsupportedError } from '../../errors.js'
import { BZip2Codec } from './bzip2.js'
import type { Codec, WritingCodec } from './codec.js'
import { loadLz4 } from './lz4.js'
import { loadSnappy } from './snappy.js'
import { DefaultCodec, DeflateCodec, GzipCodec } from './zlib.js'
import { loadZstd } from './zstd.js'

export type { Codec, WritingCodec } from './codec.js'

const PACKAGE = 'org.apache.hadoop.io.compress.'

/** Each codec by the name that people use for it. Those that need an optional package are loaded late. */
const loaders: Record<string, () => Codec | Promise<Codec>> = {
  default: () => DefaultCodec,
  deflate: () => DeflateCodec,
  gzip: () => GzipCodec,
  bzip2: () => BZip2Codec,
  snappy: once(loadSnappy),
  lz4: once(loadLz4),
  zstd: once(loadZstd),
}

const shortNames: Record<string, string> = {
  DefaultCodec: 'default',
  DeflateCodec: 'deflate',
  GzipCodec: 'gzip',
  BZip2Codec: 'bzip2',
  SnappyCodec: 'snappy',
  Lz4Codec: 'lz4',
  ZStandardCodec: 'zstd',
}

/** Names for `--codec`. */
export const codecNames: readonly string[] = Object.keys(loaders)

/**
 * The codec of that short name ("gzip") or Java class name.
 * @throws UnsupportedError for an unknown name.
 * @throws MissingPackageError when the codec's optional package is not installed.
 */
export async function loadCodec(name: string): Promise<Codec> {
  const short = name.startsWith(PACKAGE) ? shortNames[name.slice(PACKAGE.length)] : name
  const load = short !== undefined && Object.hasOwn(loaders, short) ? loaders[short] : undefined
  if (!load) {
    throw new UnsupportedError(`Cannot use codec ${name}: known are ${codecNames.join(', ')}`, {
      details: { codec: name },
    })
  }
  return load()
}

/**
 * The same, for writing.
 * @throws UnsupportedError also for a codec that can only be read.
 */
export async function loadWritingCodec(name: string): Promise<WritingCodec> {
  const codec = await loadCodec(name)
  if (codec.compress) return codec as WritingCodec
  throw new UnsupportedError(
    `Cannot write with codec ${name}: it can only be read here; zstd compresses about as well`,
    { details: { codec: name } },
  )
}

function once(load: () => Promise<Codec>): () => Promise<Codec> {
  let loading: Promise<Codec> | undefined
  return () => {
    loading ??= load()
    return loading
  }
}
