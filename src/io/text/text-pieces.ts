import type { ByteSource } from '../byte-source.js'
import { decodedPieces } from '../codecs/decoded-pieces.js'
import { codecOfFile } from '../codecs/file-codec.js'

/** Read along with a split, because its last line is likely to end in there: a request less where each costs. */
const BEYOND_BYTES = 64 * 1024
const MOST_BEYOND_BYTES = 8 * 1024 * 1024

export interface TextRange {
  start: number
  /** What lies beyond is read only as far as it is asked for. */
  end: number
  signal: AbortSignal
}

/**
 * The bytes of a text file from `start` on, up to its end where somebody asks for so many. Of a file whose
 * name says that it is compressed they are those of the text that it holds.
 */
export function textPieces(source: ByteSource, range: TextRange): AsyncIterable<Uint8Array> {
  const codec = codecOfFile(source.name)
  if (codec === undefined) return storedPieces(source, range)
  return from(range.start, decodedPieces(source, codec, range.signal))
}

/** Those up to the range's end come as one stream, those beyond it in pieces that grow. */
async function* storedPieces(
  source: ByteSource,
  { start, end, signal }: TextRange,
): AsyncGenerator<Uint8Array> {
  let at = Math.min(source.length, end + BEYOND_BYTES)
  yield* source.stream(start, at, { signal })
  for (let bytes = BEYOND_BYTES; at < source.length; bytes = Math.min(bytes * 2, MOST_BEYOND_BYTES)) {
    signal.throwIfAborted()
    const to = Math.min(source.length, at + bytes)
    yield await source.read(at, to)
    at = to
  }
}

async function* from(start: number, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const piece of pieces) {
    const skipped = Math.max(0, start - at)
    at += piece.length
    if (skipped < piece.length) yield skipped === 0 ? piece : piece.subarray(skipped)
  }
}
