import type { ByteSource } from '../byte-source.js'
import { asBuffer } from '../bytes.js'
import { ESCAPE_BYTES, SYNC_BYTES } from './format.js'

/** Most files have a marker within this. */
const FIRST_WINDOW_BYTES = 128 * 1024
const MAX_WINDOW_BYTES = 4 * 1024 * 1024

/**
 * Where Hadoop's Reader.sync(position) goes: to the escape before the next sync marker that begins at least
 * an escape after `position`; to the first record for a position within the header; else to the end of
 * the file. A marker with nothing after it does not count.
 *
 * @param before where the marker's escape must begin before, else the end of the file is the answer: who reads a
 *   split of which no record begins need not look beyond it. @default the end of the file
 */
export async function findSync(
  source: ByteSource,
  syncMarker: Uint8Array,
  headerLength: number,
  position: number,
  before = source.length,
): Promise<number> {
  if (position + SYNC_BYTES >= source.length) return source.length
  if (position < headerLength) return headerLength
  let from = position + ESCAPE_BYTES
  const limit = Math.min(source.length, before + SYNC_BYTES)
  for (let window = FIRST_WINDOW_BYTES; ; window = Math.min(window * 2, MAX_WINDOW_BYTES)) {
    const end = Math.max(from, Math.min(limit, from + window))
    const bytes = asBuffer(await source.read(from, end))
    const found = bytes.indexOf(syncMarker)
    if (found >= 0 && from + found + syncMarker.length < source.length) return from + found - ESCAPE_BYTES
    if (end >= limit) return source.length
    // The marker may lie across the end of this window.
    from = end - syncMarker.length + 1
  }
}
