import { FormatError, NotFoundError, UsageError } from '../../errors.js'
import type { FileStatus } from '../../fs/file-system.js'
import { baseName, isHidden, joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { DATA_FILE } from '../../io/map-file/format.js'
import { readSuccess, type SuccessFile } from '../output/success-file.js'
import { SUCCESS_FILE } from '../task/layout.js'

/** What lies at a path, as far as pixelreduce tells things apart. */
export type Dataset =
  | { kind: 'pictures'; location: Location; status: FileStatus }
  | { kind: 'sequence-file'; location: Location; status: FileStatus }
  | { kind: 'map-file'; location: Location }
  | { kind: 'job-output'; location: Location; parts: Dataset[]; success?: SuccessFile }

const MAGIC = 'SEQ'

/**
 * Looks at what lies at a place: a MapFile is a folder with `data`; a job's output a folder with `part-*`;
 * any other folder holds pictures. A file is a SequenceFile when it begins as one.
 * @throws UsageError when nothing is there; FormatError when a part is missing or is none.
 */
export async function openDataset(location: Location): Promise<Dataset> {
  const { fs, path } = location
  const status = await fs.stat(path).catch((error) => {
    if (!(error instanceof NotFoundError)) throw error
    throw new UsageError(`Cannot read ${uriOf(location)}: there is no such file or folder`, { cause: error })
  })
  if (status.type === 'file') {
    const kind = (await beginsAsSequenceFile(location, status)) ? 'sequence-file' : 'pictures'
    return { kind, location, status }
  }
  if (await isMapFile(location)) return { kind: 'map-file', location }
  const parts: Dataset[] = []
  for await (const entry of fs.list(path)) {
    const name = baseName(entry.path)
    if (!name.startsWith('part-') || isHidden(name)) continue
    parts.push(await openPart({ fs, path: entry.path }, entry))
  }
  const success = await readSuccess(location)
  if (parts.length === 0 && !success) return { kind: 'pictures', location, status }
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

async function isMapFile({ fs, path }: Location): Promise<boolean> {
  const data = { fs, path: joinPath(path, DATA_FILE) }
  const status = await fs.stat(data.path).catch((error) => {
    if (error instanceof NotFoundError) return undefined
    throw error
  })
  return status?.type === 'file' && (await beginsAsSequenceFile(data, status))
}

async function beginsAsSequenceFile({ fs, path }: Location, status: FileStatus): Promise<boolean> {
  if (status.length < MAGIC.length) return false
  await using source = await fs.open(path, { status })
  return Buffer.from(await source.read(0, MAGIC.length)).toString('latin1') === MAGIC
}
