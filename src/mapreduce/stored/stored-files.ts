import { FormatError, NotFoundError, UnsupportedError, UsageError } from '../../errors.js'
import { LocalFileSystem } from '../../fs/local/local-file-system.js'
import { baseName, joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { DATA_FILE, INDEX_FILE } from '../../io/map-file/format.js'
import { isTextFormat, type OutputFormat, type TextFormat } from '../job.js'
import { readSuccess, type SuccessFile } from '../output/success-file.js'
import { QUARANTINE_FOLDER, SUCCESS_FILE } from '../task/layout.js'

/**
 * A SequenceFile, a MapFile or lines of text, by where it lies and what it is called; nothing of it has been
 * read.
 */
export interface StoredFile {
  readonly kind: 'sequence-file' | 'map-file' | TextFormat
  /** Of a part its name, below `_quarantine` with that before it; else the path or URI. */
  readonly name: string
  readonly location: Location
}

/** What lies at a place, for looking at and for repair: damaged files and missing ones are no error here. */
export interface StoredFiles {
  readonly kind: 'sequence-file' | 'map-file' | 'job-output'
  readonly location: Location
  /** The file itself, or all parts in order. */
  readonly files: readonly StoredFile[]
  /** Parts of the job's further outputs. */
  readonly outputs: readonly StoredFile[]
  /** Parts of records that a job set aside. */
  readonly quarantine: readonly StoredFile[]
  /** What our jobs say of their output; Hadoop leaves the file empty. */
  readonly success?: SuccessFile
  /** Why there is a `_SUCCESS` that can't be used. */
  readonly successError?: FormatError
}

const local = new LocalFileSystem({ verifySidecars: false })

/** The same place read without regard to Hadoop's sidecars, to look at each damaged byte. */
export function withoutSidecars(location: Location): Location {
  return location.fs instanceof LocalFileSystem ? { fs: local, path: location.path } : location
}

/**
 * Looks at what lies at a place: a file is taken for a SequenceFile, a folder with `data` or `index` for a
 * MapFile, one with `part-*` or `_SUCCESS` for a job's output.
 * @throws UsageError when nothing is there; UnsupportedError for any other folder.
 */
export async function findStoredFiles(location: Location): Promise<StoredFiles> {
  const { fs, path } = location
  const uri = uriOf(location)
  const status = await fs.stat(path).catch((error) => {
    if (!(error instanceof NotFoundError)) throw error
    throw new UsageError(`Cannot read ${uri}: there is no such file or folder`, { cause: error })
  })
  if (status.type === 'file') {
    return {
      kind: 'sequence-file',
      location,
      files: [stored('sequence-file', uri, location)],
      outputs: [],
      quarantine: [],
    }
  }
  const names = new Map<string, 'file' | 'directory'>()
  for await (const entry of fs.list(path)) names.set(baseName(entry.path), entry.type)
  if (names.get(DATA_FILE) === 'file' || names.get(INDEX_FILE) === 'file') {
    return {
      kind: 'map-file',
      location,
      files: [stored('map-file', uri, location)],
      outputs: [],
      quarantine: [],
    }
  }
  const described = await successOf(location)
  const { success } = described
  const isPart = (name: string) => name.startsWith('part-')
  const files = partsAmong(names, location, { isTaken: isPart, format: success?.outputFormat })
  if (files.length === 0 && !names.has(SUCCESS_FILE)) {
    throw new UnsupportedError(
      `Cannot read ${uri}: it is no MapFile, SequenceFile or job output; "pixelreduce pack ${uri} ${uri}.packed" makes one of a folder of pictures`,
    )
  }
  const quarantine = names.has(QUARANTINE_FOLDER) ? await quarantineParts(location) : []
  const outputs = Object.keys(success?.outputs ?? {}).flatMap((output) =>
    partsAmong(names, location, {
      isTaken: (name) => name.startsWith(`${output}-`),
      format: success?.outputFormats?.[output],
    }),
  )
  return { kind: 'job-output', location, files, outputs, quarantine, ...described }
}

/** @throws FormatError when `_SUCCESS` names a part that is not there: what is read would be short. */
export function requireWhole({ location, files, success, successError }: StoredFiles): void {
  if (successError) throw successError
  const missing = success?.parts.find((part) => !files.some((file) => file.name === part.name))
  if (!missing) return
  throw new FormatError(
    `Cannot read ${uriOf(location)}: its ${SUCCESS_FILE} names ${missing.name}, which is not there; run "pixelreduce verify"`,
  )
}

async function quarantineParts(location: Location): Promise<StoredFile[]> {
  const folder = { fs: location.fs, path: joinPath(location.path, QUARANTINE_FOLDER) }
  const names = new Map<string, 'file' | 'directory'>()
  for await (const entry of folder.fs.list(folder.path)) names.set(baseName(entry.path), entry.type)
  const isTaken = (name: string) => name.startsWith('part-')
  return partsAmong(names, folder, { isTaken, prefix: `${QUARANTINE_FOLDER}/` })
}

function partsAmong(
  names: ReadonlyMap<string, 'file' | 'directory'>,
  { fs, path }: Location,
  {
    isTaken,
    prefix = '',
    format,
  }: { isTaken(name: string): boolean; prefix?: string; format?: OutputFormat | undefined },
): StoredFile[] {
  const fileKind = isTextFormat(format) ? format : 'sequence-file'
  return [...names]
    .filter(([name]) => isTaken(name))
    .map(([name, type]) => {
      const kind = type === 'directory' ? 'map-file' : fileKind
      return stored(kind, prefix + name, { fs, path: joinPath(path, name) })
    })
}

function stored(kind: StoredFile['kind'], name: string, location: Location): StoredFile {
  return { kind, name, location }
}

async function successOf(location: Location): Promise<Pick<StoredFiles, 'success' | 'successError'>> {
  try {
    const success = await readSuccess(location)
    return success ? { success } : {}
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { successError: error }
  }
}

export function isText(file: StoredFile): file is StoredFile & { kind: TextFormat } {
  return isTextFormat(file.kind)
}

/** The file that the records lie in. */
export function dataPath({ kind, location }: StoredFile): string {
  return kind === 'map-file' ? joinPath(location.path, DATA_FILE) : location.path
}
