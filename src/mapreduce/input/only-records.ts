import { UsageError } from '../../errors.js'
import { statIfThere } from '../../fs/exists.js'
import type { FileStatus } from '../../fs/file-system.js'
import { compareUtf8, isWithin, joinPath } from '../../fs/path.js'
import { type Location, resolveUri } from '../../fs/resolve.js'
import { pictureOfBand } from '../../image/band/band.js'
import { Text } from '../../io/writables/text.js'
import { openMapFile } from '../map-file-folder.js'
import type { InputDefinition } from './input-definition.js'
import type { InputRecord, InputSplit, MapFileSplit, RecordReader } from './input-format.js'
import { wantedBands } from './picture-bands.js'

/*
 * Reading nothing but the records of some keys, as messages and the quarantine call them: of a picture its
 * key, of anything else `<path>:<position>`. It is what replays one record of a job.
 */

/** The files of a folder that hold the records: looked up, because the folder may hold millions. */
export async function* onlyFiles(
  { fs, path }: Location,
  keys: readonly string[],
  { kind, bands }: InputDefinition<unknown>,
): AsyncIterable<FileStatus> {
  const names = bands ? keys.flatMap((key) => [key, pictureOfBand(key)]) : keys
  const paths =
    kind === 'pictures' ? names.map((key) => joinPath(path, key)) : keys.map((key) => placeOf(key).path)
  for (const file of [...new Set(paths)].sort(compareUtf8)) {
    if (!isWithin(file, path)) continue
    const status = await statIfThere({ fs, path: file })
    if (status?.type === 'file') yield status
  }
}

/**
 * The splits that may hold the records, each told to read no other.
 * @throws UsageError when none may.
 */
export async function onlySplits(
  splits: readonly InputSplit[],
  keys: readonly string[],
  { kind }: InputDefinition<unknown>,
): Promise<InputSplit[]> {
  const ranges = new Map<string, Promise<Range[]>>()
  const found: InputSplit[] = []
  for (const { records: _, ...split } of splits) {
    if (split.kind === 'picture-bands') {
      const own = wantedBands(split, keys)
      if (own?.length !== 0) found.push({ ...split, ...(own ? { only: own } : {}) })
      continue
    }
    if (split.kind === 'map-file' && kind === 'pictures') {
      const known = ranges.get(split.path) ?? rangesOf(split, keys)
      ranges.set(split.path, known)
      // Ends count as within, because entries of one block share their position.
      if (!(await known).some(({ start, end }) => start < split.end && end >= split.start)) continue
    } else if (kind !== 'pictures' && !keys.some((key) => mayHoldPlace(split, key))) continue
    found.push({ ...split, only: keys })
  }
  if (found.length === 0) throw noneFound(keys)
  return found
}

export function noneFound([key, ...more]: readonly string[]): UsageError {
  const others = more.length > 0 ? ` and ${more.length} more` : ''
  return new UsageError(
    `Cannot read the record ${JSON.stringify(key)}${others}: the input has none of that key`,
  )
}

/** The reader's records of these keys; all others are passed over. */
export function onlyRecords(reader: RecordReader, keys: readonly string[]): RecordReader {
  const wanted = new Set(keys)
  return {
    fill: () => reader.fill(),
    next() {
      for (let record = reader.next(); record; record = reader.next()) {
        if (wanted.has(keyOf(record))) return record
      }
      return undefined
    },
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  }
}

/** What is no UTF-8 in a key is U+FFFD in messages, and so in what is asked for. */
function keyOf({ key }: InputRecord): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8')
}

interface Range {
  start: number
  end: number
}

/** Where in a MapFile's data the records may lie, by its index. */
async function rangesOf({ path }: MapFileSplit, keys: readonly string[]): Promise<Range[]> {
  const { fs, path: folder } = resolveUri(path)
  await using file = await openMapFile(fs, folder)
  const index = await file.reader.index()
  return keys.map((text) => {
    const key = Text.encode(text)
    // Text that stands for other bytes than its own is nowhere in the index.
    if (text.includes('\ufffd')) return { start: 0, end: Number.POSITIVE_INFINITY }
    const first = index.firstNotBelow(key)
    let next = first
    while (next < index.count && Text.compare(index.key(next), key) === 0) next++
    return {
      start: index.position(Math.max(0, first - 1)),
      end: next < index.count ? index.position(next) : Number.POSITIVE_INFINITY,
    }
  })
}

function placeOf(key: string): { path: string; position: number } {
  const colon = key.lastIndexOf(':')
  return { path: key.slice(0, colon), position: Number(key.slice(colon + 1)) }
}

/** A line begins in (start, end] or at 0, a stored record in [start, end) or at the sync marker after it. */
function mayHoldPlace(split: InputSplit, key: string): boolean {
  const { path, position } = placeOf(key)
  switch (split.kind) {
    case 'picture-files':
    case 'picture-bands':
      return false
    case 'text-files':
      return isWithin(path, resolveUri(split.path).path)
    case 'text':
      return path === resolveUri(split.path).path && position >= split.start && position <= split.end
    case 'map-file':
      return path === split.path && position >= split.start && position < split.end
    case 'sequence-file':
      return path === split.path
  }
}
