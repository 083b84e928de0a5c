import type { FileStatus } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { codecOfFile } from '../../io/codecs/file-codec.js'
import { LineReader } from '../../io/text/line-reader.js'
import { textPieces } from '../../io/text/text-pieces.js'
import type { InputDefinition } from './input-definition.js'
import type { InputSplit, JobInput, TextSplit } from './input-format.js'
import { type ListedFile, readListing, writeListing } from './listing.js'
import { SplitHosts } from './split-hosts.js'

/** Most files in one split, so that files of a few bytes still make tasks of a bearable length. */
const SPLIT_FILES = 2000

/**
 * Text files as an input.
 *
 * @param folder what the listing's names are relative to.
 * @param files in the order of their paths' UTF-8 bytes.
 * @param listing where to write their names; made here, and read by the tasks.
 */
export async function openTextInput(
  uri: string,
  folder: Location,
  files: AsyncIterable<FileStatus>,
  listing: Location,
  { linesPerSplit }: InputDefinition<unknown>,
): Promise<JobInput & { files: number }> {
  const written = await writeListing(listing, folder, files)
  return {
    uri,
    kind: 'text',
    ...written,
    getSplits: (splitBytes) =>
      linesPerSplit === undefined
        ? textSplits(folder, listing, splitBytes)
        : lineSplits(folder, listing, linesPerSplit),
  }
}

/** Large files are divided, neighbouring small ones combined; a compressed one is never divided. */
async function* textSplits(
  folder: Location,
  listing: Location,
  splitBytes: number,
): AsyncIterable<InputSplit> {
  await using source = await listing.fs.open(listing.path)
  let combined: { start: number; end: number; length: number; files: ListedFile[] } | undefined
  let start = 0
  for await (const file of readListing(source)) {
    const isDivided = file.length > splitBytes && codecOfFile(file.key) === undefined
    if (isDivided) {
      if (combined) yield await combinedSplit(combined)
      combined = undefined
      yield* fileSplits(folder, file, splitBytes)
    } else {
      combined ??= { start, end: start, length: 0, files: [] }
      combined.end = file.next
      combined.length += file.length
      combined.files.push(file)
      if (combined.length >= splitBytes || combined.files.length >= SPLIT_FILES) {
        yield await combinedSplit(combined)
        combined = undefined
      }
    }
    start = file.next
  }
  if (combined) yield await combinedSplit(combined)

  async function combinedSplit({ start, end, length, files }: NonNullable<typeof combined>) {
    const [first] = files
    // Asking where each of many small files lies would take the NameNode longer than reading them.
    const isOne = files.length === 1 && first !== undefined
    const hosts = isOne ? (await hostsOf(folder, first)).between(0, length) : []
    const split = { path: uriOf(folder), listing: uriOf(listing), start, end, length, hosts }
    return { kind: 'text-files' as const, ...split }
  }
}

async function* fileSplits(
  folder: Location,
  file: ListedFile,
  splitBytes: number,
): AsyncIterable<InputSplit> {
  const { length } = file
  const count = Math.max(1, Math.round(length / splitBytes))
  const hosts = await hostsOf(folder, file)
  for (let index = 0; index < count; index++) {
    const start = Math.floor((length * index) / count)
    const end = Math.floor((length * (index + 1)) / count)
    yield textSplit(folder, file, { start, end, hosts: hosts.between(start, end) })
  }
}

/** Splits of so many lines each, which takes reading all of the files here. */
async function* lineSplits(
  folder: Location,
  listing: Location,
  linesPerSplit: number,
): AsyncIterable<InputSplit> {
  await using source = await listing.fs.open(listing.path)
  for await (const file of readListing(source)) {
    const hosts = codecOfFile(file.key) === undefined ? await hostsOf(folder, file) : undefined
    let records = 0
    let start = 0
    for await (const offset of lineOffsets(folder, file)) {
      if (records === linesPerSplit) {
        yield linesFrom(offset - 1)
        start = offset
        records = 0
      }
      records++
    }
    if (records > 0) yield linesFrom(Math.max(start, file.length))

    function linesFrom(end: number): InputSplit {
      const split = textSplit(folder, file, { start, end, hosts: hosts?.between(start, end) ?? [] })
      return { ...split, beginsWithLine: true, records }
    }
  }
}

async function* lineOffsets(folder: Location, file: ListedFile): AsyncIterable<number> {
  const path = joinPath(folder.path, file.key)
  const end = Number.MAX_SAFE_INTEGER
  const signal = new AbortController().signal
  await using source = await folder.fs.open(path)
  await using lines = new LineReader(textPieces(source, { start: 0, end, signal }), { name: path })
  while (await lines.fill()) while (lines.next()) yield lines.offset
}

function textSplit(
  folder: Location,
  file: ListedFile,
  { start, end, hosts }: { start: number; end: number; hosts: string[] },
): TextSplit {
  const path = uriOf({ fs: folder.fs, path: joinPath(folder.path, file.key) })
  return { kind: 'text', path, start, end, length: end - start, hosts }
}

function hostsOf(folder: Location, file: ListedFile): Promise<SplitHosts> {
  return SplitHosts.of({ fs: folder.fs, path: joinPath(folder.path, file.key) }, file.length)
}
