import { NotFoundError, PermissionError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { resolveUri } from '../../fs/resolve.js'
import type { RangeReader } from '../../image/band/range-reader.js'
import { type ByteSource, Reuse } from '../../io/byte-source.js'
import { readInt32 } from '../../io/bytes.js'
import { LENGTH_BYTES, RECORD_HEAD_BYTES, SYNC_BYTES, SYNC_ESCAPE } from '../../io/sequence-file/format.js'
import { Text } from '../../io/writables/text.js'
import { type OpenMapFile, openMapFile } from '../map-file-folder.js'
import type { MapFileSplit, PictureFilesSplit } from './input-format.js'
import { readListing } from './listing.js'

/** A record of a split, found without being read. */
export interface LocatedRecord {
  readonly key: string
  /** Where it is, in the split's own terms: bytes of the listing, or of the MapFile's data. */
  readonly start: number
  readonly end: number
  /** Bytes to read for it. */
  readonly length: number
  /** Where its value is, in bytes of its file; known once it was looked at. */
  value: { start: number; length: number } | undefined
  /** Reads from its value. @returns undefined where it can't be: that is for the task to tell. */
  look<T>(read: (value: RangeReader) => Promise<T>): Promise<T | undefined>
}

export async function* recordsInListing(split: PictureFilesSplit): AsyncIterable<LocatedRecord> {
  const listing = resolveUri(split.listing)
  const { fs, path: folder } = resolveUri(split.path)
  await using source = await listing.fs.open(listing.path)
  let start = split.start
  for await (const { key, length, next } of readListing(source, split.start, split.end)) {
    const value = { start: 0, length }
    yield {
      key,
      start,
      end: next,
      length,
      value,
      async look(read) {
        try {
          await using file = await fs.open(joinPath(folder, key))
          return file.length === length ? await read(partOf(file, value)) : undefined
        } catch (error) {
          if (error instanceof NotFoundError || error instanceof PermissionError) return undefined
          throw error
        }
      },
    }
    start = next
  }
}

/** The MapFile that was asked for last, open: its splits come one after the other. */
export class LastMapFile implements AsyncDisposable {
  private last: { uri: string; file: OpenMapFile } | undefined

  async open(uri: string): Promise<OpenMapFile> {
    if (this.last?.uri === uri) return this.last.file
    await this[Symbol.asyncDispose]()
    const { fs, path } = resolveUri(uri)
    this.last = { uri, file: await openMapFile(fs, path) }
    return this.last.file
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { last } = this
    this.last = undefined
    await last?.file.close()
  }
}

export async function* recordsInMapFile(
  split: MapFileSplit,
  files: LastMapFile,
): AsyncIterable<LocatedRecord> {
  const file = await files.open(split.path)
  const { data } = file.sources
  const index = await file.reader.index()
  const isPlain = file.reader.header.compression === 'NONE'
  for (let entry = firstEntryAt(index, split.start); entry < index.count; entry++) {
    const start = index.position(entry)
    if (start >= split.end) break
    // Entries of one block share its position.
    if (entry + 1 < index.count && index.position(entry + 1) === start) continue
    const end = entry + 1 < index.count ? index.position(entry + 1) : data.length
    const record: LocatedRecord = {
      key: Buffer.from(Text.utf8(index.key(entry))).toString('utf8'),
      start,
      end,
      length: end - start,
      value: undefined,
      async look(read) {
        record.value = isPlain ? await locateValue(data, start, end) : undefined
        return record.value && read(partOf(data, record.value))
      },
    }
    yield record
  }
}

function firstEntryAt(index: { count: number; position(entry: number): number }, start: number): number {
  let low = 0
  let high = index.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (index.position(middle) < start) low = middle + 1
    else high = middle
  }
  return low
}

/** A BytesWritable's own length, before its payload. */
const PREFIX_BYTES = 4

/**
 * Where the payload is of the one record between two positions of the index; undefined where there are several, as
 * where not every record is indexed. How records lie in a file is told in io/sequence-file/format.ts.
 */
async function locateValue(
  data: ByteSource,
  start: number,
  end: number,
): Promise<{ start: number; length: number } | undefined> {
  const head = await data.read(start, Math.min(end, start + SYNC_BYTES + RECORD_HEAD_BYTES))
  const at = head.length >= LENGTH_BYTES && readInt32(head, 0) === SYNC_ESCAPE ? SYNC_BYTES : 0
  if (head.length < at + RECORD_HEAD_BYTES) return undefined
  const recordLength = readInt32(head, at)
  const keyLength = readInt32(head, at + LENGTH_BYTES)
  const keyStart = start + at + RECORD_HEAD_BYTES
  const valueStart = keyStart + keyLength + PREFIX_BYTES
  const isOne = keyLength >= 0 && keyStart + recordLength === end && valueStart <= end
  if (!isOne) return undefined
  const length = end - valueStart
  const stated = readInt32(await data.read(valueStart - PREFIX_BYTES, valueStart), 0)
  return stated === length ? { start: valueStart, length } : undefined
}

/** A part of a file as a file of its own. */
export function partOf(file: ByteSource, { start, length }: { start: number; length: number }): RangeReader {
  return {
    length,
    read: (from, to, into) => file.read(start + from, start + to, into && new ReadInto(into)),
  }
}

/** Memory that is read to, however much is asked for: the caller knows. */
class ReadInto extends Reuse {
  constructor(private readonly target: Uint8Array) {
    super()
  }

  override take(): Uint8Array {
    return this.target
  }
}
