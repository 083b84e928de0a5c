import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createInflate } from 'node:zlib'
import { FormatError, TruncatedError, UnsupportedError } from '../../errors.js'
import type { ByteSource } from '../byte-source.js'
import { loadCodec } from './index.js'

const PIECE_BYTES = 256 * 1024

/**
 * What a compressed file holds, in pieces.
 * @param codec its short name
 * @throws FormatError when it is damaged; TruncatedError when it is cut short; MissingPackageError
 */
export async function* decodedPieces(
  source: ByteSource,
  codec: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (codec === 'gzip' || codec === 'deflate') return yield* inflatedPieces(source, codec, signal)
  const decoder = (await loadCodec(codec)).decoder!()
  try {
    for await (const piece of source.stream(0, source.length, { signal })) yield* decoder.push(piece)
    yield* decoder.end()
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof UnsupportedError)) throw cause
    const options = { cause, details: { file: source.name } }
    const message = `Cannot read ${source.name}: ${cause.message}`
    throw cause instanceof FormatError
      ? new FormatError(message, options)
      : new UnsupportedError(message, options)
  }
}

async function* inflatedPieces(source: ByteSource, codec: 'gzip' | 'deflate', signal: AbortSignal) {
  const inflate = codec === 'gzip' ? createGunzip : createInflate
  const inflated = inflate({ chunkSize: PIECE_BYTES })
  const feeding = pipeline(Readable.from(source.stream(0, source.length, { signal })), inflated)
  // What goes wrong in it ends `inflated` too, and is thrown there.
  feeding.catch(() => {})
  try {
    for await (const piece of inflated) yield piece as Buffer
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (!code.startsWith('Z_')) throw error
    const options = { cause: error, details: { file: source.name } }
    if (code === 'Z_BUF_ERROR') {
      throw new TruncatedError(
        `Cannot decompress ${source.name}: it ends before its ${codec} data do`,
        options,
      )
    }
    throw new FormatError(`Cannot decompress ${source.name}: ${(error as Error).message}`, options)
  }
}
