import { FormatError, NotFoundError, UsageError } from '../../errors.js'
import { statIfThere } from '../../fs/exists.js'
import type { FileStatus } from '../../fs/file-system.js'
import { baseName, isHidden, joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { DATA_FILE } from '../../io/map-file/format.js'
import { isTextFormat, type TextFormat } from '../job.js'
import { readSuccess, type SuccessFile } from '../output/success-file.js'
import { SUCCESS_FILE } from '../task/layout.js'

/** What lies at a path, as far as pixelreduce tells things apart. */
export type Dataset =
  | { kind: 'files'; location: Location; status: FileStatus }
  | { kind: 'text-file'; location: Location; status: FileStatus; format: TextFormat }
  | { kind: 'sequence-file'; location: Location; status: FileStatus }
  | { kind: 'map-file'; location: Location }
  | { kind: 'job-output'; location: Location; parts: Dataset[]; success?: SuccessFile }

const MAGIC = 'SEQ'

/**
 * Looks at what lies at a place: a MapFile is a folder with `data`; a job's output a folder with `part-*`;
 * any other folder holds files. A file is a SequenceFile when it begins as one, and text when the job that
 * wrote it says so.
 * @param options `asText` takes for files whatever no job of ours has described, as text has no mark of its own
 * @throws UsageError when nothing is there; FormatError when a part is missing or is none.
 */
export async function openDataset(location: Location, options: { asText?: boolean } = {}): Promise<Dataset> {
  const { fs, path } = location
  const status = await fs.stat(path).catch((error) => {
    if (!(error instanceof NotFoundError)) throw error
    throw new UsageError(`Cannot read ${uriOf(location)}: there is no such file or folder`, { cause: error })
  })
  if (status.type === 'file') {
    const kind = !options.asText && (await beginsAsSequenceFile(location, status)) ? 'sequence-file' : 'files'
    return { kind, location, status }
  }
  if (await isMapFile(location)) return { kind: 'map-file', location }
  const success = await readSuccess(location).catch((error) => {
    // Other programs leave a file of that name beside their text, and some write into it.
    if (options.asText && error instanceof FormatError) return undefined
    throw error
  })
  if (options.asText && !success) return { kind: 'files', location, status }
  const format = success?.outputFormat
  const parts: Dataset[] = []
  for await (const entry of fs.list(path)) {
    const name = baseName(entry.path)
    if (!name.startsWith('part-') || isHidden(name)) continue
    const part = { fs, path: entry.path }
    if (isTextFormat(format) && entry.type === 'file')
      parts.push({ kind: 'text-file', location: part, status: entry, format })
    else parts.push(await openPart(part, entry))
  }
  if (parts.length === 0 && !success) return { kind: 'files', location, status }
  for (const part of success?.parts ?? []) {
    if (parts.some((found) => baseName(found.location.path) === part.name)) continue
    throw new FormatError(
      `Cannot read ${uriOf(location)}: its ${SUCCESS_FILE} names ${part.name}, which is not there`,
    )
  }
  return { kind: 'job-output', location, parts, ...(success ? { success } : {}) }
}

/** @throws FormatError for a part that is neither: leaving it out would lose its records without a word. */
async function openPart(location: Location, status: FileStatus): Promise<Dataset> {
  if (status.type === 'directory') {
    if (await isMapFile(location)) return { kind: 'map-file', location }
  } else if (await beginsAsSequenceFile(location, status)) return { kind: 'sequence-file', location, status }
  throw new FormatError(
    `Cannot read ${uriOf(location)}: it is neither a MapFile nor a SequenceFile; "pixelreduce verify" looks closer`,
  )
}

export async function isMapFile({ fs, path }: Location): Promise<boolean> {
  const data = { fs, path: joinPath(path, DATA_FILE) }
  const status = await statIfThere(data)
  return status?.type === 'file' && (await beginsAsSequenceFile(data, status))
}

async function beginsAsSequenceFile({ fs, path }: Location, status: FileStatus): Promise<boolean> {
  if (status.length < MAGIC.length) return false
  await using source = await fs.open(path, { status })
  return Buffer.from(await source.read(0, MAGIC.length)).toString('latin1') === MAGIC
}
