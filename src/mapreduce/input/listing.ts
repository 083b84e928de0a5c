import { createHash } from 'node:crypto'
import type { FileStatus } from '../../fs/file-system.js'
import type { Location } from '../../fs/resolve.js'
import type { ByteSource } from '../../io/byte-source.js'
import { readJsonLines } from '../../io/json-lines.js'

/*
 * A listing of files, pictures or text, written while planning, so that neither plan nor tasks hold millions of
 * names. One file a line, in the order of the keys:
 *
 *   [length in bytes, "key"]\n        JSON, so that a key may hold anything
 */

export interface ListedFile {
  readonly length: number
  /** Path of the file relative to the listing's folder, which is its key too. */
  readonly key: string
}

export interface WrittenListing {
  files: number
  totalBytes: number
  /** Of the keys and lengths. */
  fingerprint: string
}

/**
 * Writes a new listing.
 * @param folder what keys are relative to.
 * @param files in the order of their keys' UTF-8 bytes.
 */
export async function writeListing(
  listing: Location,
  folder: Location,
  files: AsyncIterable<FileStatus>,
): Promise<WrittenListing> {
  const digest = createHash('sha256')
  const prefix = folder.path === '/' ? 1 : folder.path.length + 1
  const written = { files: 0, totalBytes: 0 }
  await using sink = await listing.fs.create(listing.path)
  for await (const { path, length } of files) {
    const line = Buffer.from(`${JSON.stringify([length, path.slice(prefix)])}\n`)
    await sink.write(line)
    digest.update(line)
    written.totalBytes += length
    written.files++
  }
  await sink.close()
  return { ...written, fingerprint: digest.digest('hex') }
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
