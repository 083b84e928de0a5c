import picomatch from 'picomatch'
import { NotFoundError, UsageError } from '../../errors.js'
import type { FileStatus } from '../../fs/file-system.js'
import { baseName, joinPath, parentOf } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { isPictureName } from '../../image/format.js'
import { listingFile } from '../task/layout.js'
import { type Dataset, openDataset } from './dataset.js'
import type { JobInput } from './input-format.js'
import { openMapFileInput } from './map-file-input.js'
import { countLeft, openPictureFiles, type PictureFilter, walkPictures } from './picture-files.js'
import { openSequenceFileInput } from './sequence-file-input.js'

export interface InputOptions {
  /** Globs that a key must match one of. @default every picture by its extension */
  include?: readonly string[]
  /** Globs that a key must match none of. @default none */
  exclude?: readonly string[]
}

export interface OpenedInputs {
  inputs: JobInput[]
  /** Files that were left because they are no pictures by their extension, counted by it. */
  left: Map<string, number>
  /** Records in all, where every input knows. */
  records?: number
}

/**
 * Opens a job's inputs for planning, each URI being a folder of pictures, a picture, a glob, a MapFile, a
 * SequenceFile or a job's output. Listings of folders are written into the job's folder.
 * @throws UsageError when one is missing, or when there is no record at all.
 */
export async function openInputs(
  uris: readonly string[],
  jobFolder: Location,
  options: InputOptions,
): Promise<OpenedInputs> {
  const left = new Map<string, number>()
  const takes = pictureFilter(options)
  const inputs: JobInput[] = []
  const counts: (number | undefined)[] = []
  const listing = (): Location => ({
    fs: jobFolder.fs,
    path: joinPath(jobFolder.path, listingFile(inputs.length)),
  })
  const add = async (opening: Promise<JobInput & { records?: number }>): Promise<void> => {
    const input = await opening
    inputs.push(input)
    counts.push(input.records)
  }

  async function addDataset(uri: string, dataset: Dataset): Promise<void> {
    const { location } = dataset
    switch (dataset.kind) {
      case 'job-output':
        for (const part of dataset.parts) await addDataset(uriOf(part.location), part)
        return
      case 'map-file':
        return add(openMapFileInput(location))
      case 'sequence-file':
        return add(openSequenceFileInput(location, dataset.status))
      case 'pictures': {
        // A file that the user named is taken whatever its extension.
        if (dataset.status.type === 'file') {
          const folder = { fs: location.fs, path: parentOf(location.path) }
          return add(openPictureFiles(uri, folder, one(dataset.status), listing()))
        }
        return add(openPictureFiles(uri, location, walkPictures(location, { takes, left }), listing()))
      }
    }
  }

  for (const uri of uris) {
    const location = resolveUri(uri)
    if (await isGlob(location)) {
      const { base, files, datasets } = await expandGlob(location, { takes, left })
      if (files.length > 0) await add(openPictureFiles(uri, base, each(files), listing()))
      for (const dataset of datasets) await addDataset(uriOf(dataset.location), dataset)
      if (files.length === 0 && datasets.length === 0) {
        throw new UsageError(`Cannot read ${uri}: nothing matches it`)
      }
    } else await addDataset(uri, await openDataset(location))
  }
  const records = counts.every((count) => count !== undefined)
    ? counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
    : undefined
  if (records === 0 && inputs.every((input) => input.kind === 'picture-files')) {
    throw new UsageError(`Cannot read ${uris.join(', ')}: there is no picture in it${leftInWords(left)}`)
  }
  return { inputs, left, ...(records === undefined ? {} : { records }) }
}

/** "; 3 other files were left (2 .txt, 1 .pdf)", or nothing. */
export function leftInWords(left: ReadonlyMap<string, number>): string {
  const total = [...left.values()].reduce((sum, count) => sum + count, 0)
  if (total === 0) return ''
  const kinds = [...left].sort((a, b) => b[1] - a[1]).slice(0, 5)
  const words = kinds.map(([extension, count]) => `${count} ${extension}`).join(', ')
  return `; ${total} other file${total === 1 ? ' was' : 's were'} left (${words}); --include takes more`
}

function pictureFilter(options: InputOptions): PictureFilter['takes'] {
  const matcher = (globs: readonly string[]) => picomatch([...globs], { dot: true, basename: true })
  const included = options.include?.length ? matcher(options.include) : isPictureName
  const excluded = options.exclude?.length ? matcher(options.exclude) : () => false
  return (key) => included(key) && !excluded(key)
}

/** A path with glob characters of which nothing lies at its very letters. */
async function isGlob({ fs, path }: Location): Promise<boolean> {
  if (!picomatch.scan(path).isGlob) return false
  return fs.stat(path).then(
    () => false,
    (error) => {
      if (error instanceof NotFoundError) return true
      throw error
    },
  )
}

async function expandGlob(
  { fs, path }: Location,
  filter: PictureFilter,
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
      if (baseName(entry.path).startsWith('.')) continue
      if (entry.type === 'directory') {
        if (!matches(entry.path)) {
          if (entry.linkTarget === undefined) await descend(entry.path)
          continue
        }
        const dataset = await openDataset({ fs, path: entry.path })
        if (dataset.kind !== 'pictures') datasets.push(dataset)
        else for await (const file of walkPictures(dataset.location, filter)) files.push(file)
      } else if (matches(entry.path)) {
        const dataset = await openDataset({ fs, path: entry.path })
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
  yield* files.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
}
