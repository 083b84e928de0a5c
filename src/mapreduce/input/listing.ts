import { FormatError } from '../../errors.js'
import type { ByteSource } from '../../io/byte-source.js'

/*
 * A listing of picture files, written while planning, so that neither plan nor tasks hold millions of
 * names. One file a line, in the order of the keys:
 *
 *   [length in bytes, "key"]\n        JSON, so that a key may hold anything
 */

export interface ListedFile {
  readonly length: number
  /** Path of the file relative to the listing's folder, which is its key too. */
  readonly key: string
}

export function listingLine(file: ListedFile): Uint8Array {
  return Buffer.from(`${JSON.stringify([file.length, file.key])}\n`)
}

/** The files in bytes [start, end) of a listing, each with the position of the line after it. */
export async function* readListing(
  source: ByteSource,
  start = 0,
  end = source.length,
): AsyncIterable<ListedFile & { next: number }> {
  let rest: Uint8Array = new Uint8Array(0)
  let next = start
  for await (const chunk of source.stream(start, end)) {
    const bytes =
      rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([rest, chunk])
    let from = 0
    for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, from)) {
      const [length, key] = JSON.parse(bytes.toString('utf8', from, newline)) as [number, string]
      next += newline + 1 - from
      from = newline + 1
      yield { length, key, next }
    }
    rest = bytes.subarray(from)
  }
  if (rest.length > 0) {
    throw new FormatError(`Cannot read the listing ${source.name}: it ends in the middle of a line`)
  }
}
