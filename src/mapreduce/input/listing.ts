import type { ByteSource } from '../../io/byte-source.js'
import { readJsonLines } from '../../io/json-lines.js'

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
  for await (const { value, next } of readJsonLines(source, start, end)) {
    const [length, key] = value as [number, string]
    yield { length, key, next }
  }
}
