import { createHash } from 'node:crypto'
import { FormatError, NotFoundError, PermissionError } from '../../errors.js'
import type { FileStatus } from '../../fs/file-system.js'
import { compareUtf8, joinPath } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import type {
  InputRecord,
  InputSplit,
  JobInput,
  PictureFilesSplit,
  ReadContext,
  RecordReader,
} from './input-format.js'
import { type ListedFile, listingLine, readListing } from './listing.js'

/** Most files that a reader has open at once; enough to hide a disk's or a server's latency. */
const OPEN_FILES = 4

/** Most files in one split, so that icons of a few bytes still make tasks of a bearable length. */
const SPLIT_FILES = 2000

/**
 * A folder of picture files as an input.
 *
 * @param folder what keys are relative to.
 * @param files the pictures in it, in the order of their keys' UTF-8 bytes.
 * @param listing where to write their names; made here, and read by the tasks.
 */
export async function openPictureFiles(
  uri: string,
  folder: Location,
  files: AsyncIterable<FileStatus>,
  listing: Location,
): Promise<JobInput & { records: number }> {
  const digest = createHash('sha256')
  let totalBytes = 0
  let records = 0
  const sink = await listing.fs.create(listing.path)
  try {
    const prefix = folder.path === '/' ? 1 : folder.path.length + 1
    for await (const file of files) {
      const line = listingLine({ length: file.length, key: file.path.slice(prefix) })
      await sink.write(line)
      digest.update(line)
      totalBytes += file.length
      records++
    }
    await sink.close()
  } finally {
    await sink.abort()
  }
  return {
    uri,
    kind: 'picture-files',
    totalBytes,
    records,
    fingerprint: digest.digest('hex'),
    getSplits: (splitBytes) => pictureSplits(folder, listing, splitBytes),
  }
}

async function* pictureSplits(
  folder: Location,
  listing: Location,
  splitBytes: number,
): AsyncIterable<InputSplit> {
  await using source = await listing.fs.open(listing.path)
  const empty = (start: number): PictureFilesSplit & { records: number } => ({
    kind: 'picture-files',
    path: uriOf(folder),
    listing: uriOf(listing),
    start,
    end: start,
    length: 0,
    records: 0,
    hosts: [],
  })
  let split = empty(0)
  for await (const file of readListing(source)) {
    split.end = file.next
    split.length += file.length
    split.records++
    if (split.length < splitBytes && split.records < SPLIT_FILES) continue
    yield split
    split = empty(file.next)
  }
  if (split.records > 0) yield split
}

/** Reads the files of a split in order, a few ahead of the mapper. */
export async function readPictureFiles(
  split: PictureFilesSplit,
  context: ReadContext,
): Promise<RecordReader> {
  const listing = resolveUri(split.listing)
  const folder = resolveUri(split.path)
  const source = await listing.fs.open(listing.path)
  const names = readListing(source, split.start, split.end)[Symbol.asyncIterator]()
  const ahead: { bytes: number; record: Promise<InputRecord> }[] = []
  let aheadBytes = 0
  let atEnd = false
  let current: InputRecord | undefined

  async function readAhead(): Promise<void> {
    while (
      !atEnd &&
      ahead.length < OPEN_FILES &&
      (ahead.length === 0 || aheadBytes < context.readAheadBytes)
    ) {
      const name = await names.next()
      if (name.done) {
        atEnd = true
        return
      }
      const record = readPicture(folder, name.value)
      // Awaited in its turn; until then a failure is not an unhandled one.
      record.catch(() => {})
      ahead.push({ bytes: name.value.length, record })
      aheadBytes += name.value.length
    }
  }

  return {
    async fill() {
      context.signal.throwIfAborted()
      await readAhead()
      const first = ahead.shift()
      if (!first) return false
      current = await first.record
      aheadBytes -= first.bytes
      await readAhead()
      return true
    },
    next() {
      const record = current
      current = undefined
      return record
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(ahead.map((each) => each.record))
      await names.return?.()
      await source.close()
    },
  }
}

/**
 * A file that went away, can't be opened or was changed since planning is one bad record, not the end of
 * the job; any other failure is the task's, which tries again.
 */
async function readPicture(folder: Location, file: ListedFile): Promise<InputRecord> {
  const path = joinPath(folder.path, file.key)
  const key = Buffer.from(file.key)
  try {
    await using source = await folder.fs.open(path)
    const value = await source.read(0, source.length)
    if (value.length === file.length) return { key, value }
    const problem = new FormatError(
      `Cannot read ${path}: it had ${file.length} bytes when the job was planned and has ${value.length} now`,
      { details: { file: path } },
    )
    return { key, value, problem }
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof PermissionError)) throw error
    return { key, value: new Uint8Array(0), problem: error }
  }
}

export interface PictureFilter {
  /** Whether a file is taken, by its key. */
  takes(key: string): boolean
  /** Counts what was left, by extension. */
  readonly left: Map<string, number>
}

/**
 * The files under a folder that the filter takes, in the order of their relative paths' UTF-8 bytes.
 * Names beginning with a dot are left; links are followed, but not round in circles.
 */
export async function* walkPictures(folder: Location, filter: PictureFilter): AsyncIterable<FileStatus> {
  const start = folder.path.length + (folder.path === '/' ? 0 : 1)
  yield* walk(folder.path, new Set())

  async function* walk(path: string, linked: ReadonlySet<string>): AsyncIterable<FileStatus> {
    // A folder sorts as its name and a slash, so that paths come in the order of their bytes: it waits
    // here while files such as "name-1.jpg" go before "name/".
    const waiting: FileStatus[] = []
    for await (const entry of folder.fs.list(path)) {
      if (entry.path.slice(path.length + 1).startsWith('.')) continue
      while (waiting[0] && compareUtf8(orderOf(waiting[0]), orderOf(entry)) < 0) {
        yield* descend(waiting.shift()!, linked)
      }
      if (entry.type === 'directory') {
        const place = waiting.findIndex((other) => compareUtf8(orderOf(entry), orderOf(other)) < 0)
        waiting.splice(place < 0 ? waiting.length : place, 0, entry)
      } else if (filter.takes(entry.path.slice(start))) yield entry
      else countLeft(filter, entry.path)
    }
    for (const entry of waiting) yield* descend(entry, linked)
  }

  async function* descend(entry: FileStatus, linked: ReadonlySet<string>): AsyncIterable<FileStatus> {
    const target = entry.linkTarget
    if (target === undefined) return yield* walk(entry.path, linked)
    const goesRound = linked.has(target) || `${entry.path}/`.startsWith(`${target}/`)
    if (!goesRound) yield* walk(entry.path, new Set([...linked, target]))
  }
}

/** Counts a file that the filter did not take. */
export function countLeft(filter: PictureFilter, path: string): void {
  const extension = /\.[^./]{1,10}$/.exec(path)?.[0].toLowerCase() ?? 'no extension'
  filter.left.set(extension, (filter.left.get(extension) ?? 0) + 1)
}

function orderOf(entry: FileStatus): string {
  return entry.type === 'directory' ? `${entry.path}/` : entry.path
}
