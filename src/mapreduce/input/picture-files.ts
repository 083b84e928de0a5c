import { NotFoundError, PermissionError } from '../../errors.js'
import type { FileStatus } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import type {
  InputRecord,
  InputSplit,
  JobInput,
  PictureFilesSplit,
  ReadContext,
  RecordReader,
} from './input-format.js'
import { type ListedFile, readListing, writeListing } from './listing.js'
import { changedSincePlanned } from './planned-length.js'

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
  const { files: records, totalBytes, fingerprint } = await writeListing(listing, folder, files)
  return {
    uri,
    kind: 'picture-files',
    totalBytes,
    records,
    fingerprint,
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
    return { key, value, problem: changedSincePlanned(path, file.length, value.length) }
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof PermissionError)) throw error
    return { key, value: new Uint8Array(0), problem: error }
  }
}
