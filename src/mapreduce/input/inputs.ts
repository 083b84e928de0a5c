import picomatch from 'picomatch'
import { NotFoundError, UnsupportedError, UsageError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import type { FileStatus } from '../../fs/file-system.js'
import { baseName, compareUtf8, isHidden, joinPath, parentOf } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { isPictureName } from '../../image/format.js'
import { DATA_FILE } from '../../io/map-file/format.js'
import { counted } from '../counted.js'
import { listingFile } from '../task/layout.js'
import { type Dataset, isMapFile, openDataset } from './dataset.js'
import type { InputDefinition } from './input-definition.js'
import type { JobInput } from './input-format.js'
import { openMapFileInput } from './map-file-input.js'
import { onlyFiles } from './only-records.js'
import { openPictureFiles } from './picture-files.js'
import { inputClasses } from './record-input.js'
import { openSequenceFileInput } from './sequence-file-input.js'
import { openTextInput } from './text-input.js'
import { countLeft, type FileFilter, walkFiles } from './walk-files.js'

export interface InputOptions {
  /** Globs that a key must match one of. @default every picture by its extension, or every file of text */
  include?: readonly string[]
  /** Globs that a key must match none of. @default none */
  exclude?: readonly string[]
  /** Keys of the only records to read. @default all */
  only?: readonly string[] | undefined
}

export interface OpenedInputs {
  inputs: JobInput[]
  /** Files that were left, counted by their extension. */
  left: Map<string, number>
  /** Records in all, where every input knows. */
  records?: number
}

type InputKind = InputDefinition<unknown>['kind']

/** With the number of its records or files, where it knows. */
type Opened = JobInput & { records?: number; files?: number }

/**
 * Opens a job's inputs for planning. Each URI is a folder, a file, a glob, a MapFile, a SequenceFile or a
 * job's output, as far as the job's definition takes it. Listings of folders are written into the job's
 * folder.
 * @throws UsageError when one is missing, or when there is nothing in them at all.
 */
export async function openInputs(
  uris: readonly string[],
  jobFolder: Location,
  options: InputOptions,
  definition: InputDefinition<unknown>,
): Promise<OpenedInputs> {
  const { kind } = definition
  const isText = kind === 'text' || kind === 'key-value-text'
  const filter = fileFilter(options, kind)
  const { left } = filter
  const classes = inputClasses(definition)
  const opened: Opened[] = []

  const open = (location: Location) => openDataset(location, { asText: isText })

  async function addFiles(uri: string, folder: Location, files: AsyncIterable<FileStatus>): Promise<void> {
    const listing = { fs: jobFolder.fs, path: joinPath(jobFolder.path, listingFile(opened.length)) }
    opened.push(
      isText
        ? await openTextInput(uri, folder, files, listing, definition)
        : await openPictureFiles(uri, folder, files, listing),
    )
  }

  async function addDataset(uri: string, dataset: Dataset): Promise<void> {
    const { location } = dataset
    const { fs, path } = location
    switch (dataset.kind) {
      case 'job-output':
        if (isText && dataset.parts.every((part) => part.kind === 'text-file')) {
          const statuses = dataset.parts.flatMap((part) => ('status' in part ? [part.status] : []))
          return addFiles(uri, location, each(statuses))
        }
        for (const part of dataset.parts) await addDataset(uriOf(part.location), part)
        return
      case 'map-file':
        if (isText) throw notFor(uri, kind, 'a MapFile')
        opened.push(await openMapFileInput(location, classes))
        return
      case 'sequence-file':
        if (isText) throw notFor(uri, kind, 'a SequenceFile')
        opened.push(await openSequenceFileInput(location, dataset.status, classes))
        return
      case 'text-file':
        if (!isText) throw notFor(uri, kind, 'text')
        return addFiles(uri, { fs, path: parentOf(path) }, one(dataset.status))
      case 'files': {
        // A file that the user named is taken whatever its extension.
        const isFile = dataset.status.type === 'file'
        if (kind === 'records') {
          if (isFile) throw notFor(uri, kind, 'neither a MapFile nor a SequenceFile')
          return addStored(location)
        }
        if (isFile) return addFiles(uri, { fs, path: parentOf(path) }, one(dataset.status))
        const { only } = options
        return addFiles(
          uri,
          location,
          only ? onlyFiles(location, only, definition) : walkFiles(location, filter),
        )
      }
    }
  }

  /** The MapFiles and SequenceFiles in a folder, as Hadoop's SequenceFileInputFormat takes them. */
  async function addStored(folder: Location): Promise<void> {
    const { fs } = folder
    const mapFiles = new Set<string>()
    for await (const { path } of walkFiles(folder, filter)) {
      const parent = { fs, path: parentOf(path) }
      if (mapFiles.has(parent.path)) continue
      const isInMapFile = baseName(path) === DATA_FILE && (await isMapFile(parent))
      const dataset = await openDataset(isInMapFile ? parent : { fs, path })
      if (isInMapFile) mapFiles.add(parent.path)
      if (dataset.kind === 'files') countLeft(filter, path)
      else await addDataset(uriOf(dataset.location), dataset)
    }
  }

  for (const uri of uris) {
    const location = resolveUri(uri)
    if (await isGlob(location)) {
      const { base, files, datasets } = await expandGlob(location, filter, open)
      if (files.length > 0) await addFiles(uri, base, each(files))
      for (const dataset of datasets) await addDataset(uriOf(dataset.location), dataset)
      if (files.length === 0 && datasets.length === 0) {
        throw new UsageError(`Cannot read ${uri}: nothing matches it`)
      }
    } else await addDataset(uri, await open(location))
  }
  if (!options.only) requireSomething(uris, opened, filter, kind)
  const counts = opened.map((input) => input.records)
  const records = counts.every((count) => count !== undefined)
    ? counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
    : undefined
  return { inputs: opened, left, ...(records === undefined ? {} : { records }) }
}

/** "; 3 other files were left (2 .txt, 1 .pdf)", or nothing. */
export function leftInWords(left: ReadonlyMap<string, number>): string {
  const total = [...left.values()].reduce((sum, count) => sum + count, 0)
  if (total === 0) return ''
  const kinds = [...left].sort((a, b) => b[1] - a[1]).slice(0, 5)
  const words = kinds.map(([extension, count]) => `${count} ${extension}`).join(', ')
  return `; ${counted(total, 'other file was', 'other files were')} left (${words}); --include takes more`
}

function requireSomething(
  uris: readonly string[],
  opened: readonly Opened[],
  { left }: FileFilter,
  kind: InputKind,
): void {
  const isEmpty = opened.every((input) =>
    input.kind === 'text' ? input.files === 0 : input.kind === 'picture-files' && input.records === 0,
  )
  if (!isEmpty) return
  const missing = { pictures: 'picture', records: 'MapFile or SequenceFile' }
  const what = kind in missing ? missing[kind as keyof typeof missing] : 'file'
  throw new UsageError(`Cannot read ${uris.join(', ')}: there is no ${what} in it${leftInWords(left)}`)
}

/** What the job's records are and what was found instead. */
function notFor(uri: string, kind: InputKind, found: string): UnsupportedError {
  const taken = { pictures: 'pictures', records: 'MapFiles and SequenceFiles' }
  const what = kind in taken ? taken[kind as keyof typeof taken] : 'lines of text'
  const others = { pictures: '', records: '; textInput() reads lines' }
  const mend = kind in others ? others[kind as keyof typeof others] : '; recordInput() reads its records'
  return new UnsupportedError(`Cannot read ${uri}: the job takes ${what} and it is ${found}${mend}`)
}

function fileFilter(options: InputOptions, kind: InputKind): FileFilter {
  const matcher = (globs: readonly string[]) => picomatch([...globs], { dot: true, basename: true })
  const isTaken = kind === 'pictures' ? isPictureName : () => true
  const included = options.include?.length ? matcher(options.include) : isTaken
  const excluded = options.exclude?.length ? matcher(options.exclude) : () => false
  return {
    isHidden: kind === 'pictures' ? (name) => name.startsWith('.') : isHidden,
    takes: (key) => included(key) && !excluded(key),
    left: new Map(),
  }
}

/** A path with glob characters of which nothing lies at its very letters. */
async function isGlob({ fs, path }: Location): Promise<boolean> {
  if (!picomatch.scan(path).isGlob) return false
  return !(await exists({ fs, path }))
}

async function expandGlob(
  { fs, path }: Location,
  filter: FileFilter,
  open: (location: Location) => Promise<Dataset>,
): Promise<{ base: Location; files: FileStatus[]; datasets: Dataset[] }> {
  const base = { fs, path: picomatch.scan(path).base || '/' }
  const prefix = base.path === '/' ? 1 : base.path.length + 1
  const matches = picomatch(path)
  const files: FileStatus[] = []
  const datasets: Dataset[] = []
  const status = await fs.stat(base.path).catch((error) => {
    if (!(error instanceof NotFoundError)) throw error
    throw new UsageError(`Cannot read ${path}: there is no folder ${base.path}`, { cause: error })
  })
  if (status.type !== 'directory') throw new UsageError(`Cannot read ${path}: ${base.path} is no folder`)
  await descend(base.path)
  return { base, files, datasets }

  async function descend(folder: string): Promise<void> {
    for await (const entry of fs.list(folder)) {
      if (filter.isHidden(baseName(entry.path))) continue
      if (entry.type === 'directory') {
        if (!matches(entry.path)) {
          if (entry.linkTarget === undefined) await descend(entry.path)
          continue
        }
        const dataset = await open({ fs, path: entry.path })
        if (dataset.kind !== 'files') datasets.push(dataset)
        else for await (const file of walkFiles(dataset.location, filter)) files.push(file)
      } else if (matches(entry.path)) {
        const dataset = await open({ fs, path: entry.path })
        if (dataset.kind === 'sequence-file') datasets.push(dataset)
        else if (filter.takes(entry.path.slice(prefix))) files.push(entry)
        else countLeft(filter, entry.path)
      }
    }
  }
}

async function* one(file: FileStatus): AsyncIterable<FileStatus> {
  yield file
}

async function* each(files: FileStatus[]): AsyncIterable<FileStatus> {
  yield* files.sort((a, b) => compareUtf8(a.path, b.path))
}
