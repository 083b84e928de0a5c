import { FormatError, UnsupportedError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { ChecksumFile } from '../../io/map-file/checksum-file.js'
import { CHECKSUM_FILE, INDEX_FILE, PackedIndex } from '../../io/map-file/index.js'
import {
  type Compression,
  type OpenSequenceFile,
  openSequenceFile,
  type SequenceFileHeader,
} from '../../io/sequence-file/index.js'
import { comparatorFor } from '../../io/writables/comparator.js'
import { DigestSource } from './digest-source.js'
import { type Fault, FaultList } from './fault-list.js'
import { OpenedSources } from './opened-sources.js'
import { dataPath, type StoredFile, withoutSidecars } from './stored-files.js'
import { type Walk, walkRecords } from './walk-records.js'

/** What `verify` says of one file. Of records that can't be read nothing is counted or digested. */
export interface FileReport {
  /** Name of the part; the path or URI where there is only one file. */
  readonly file: string
  readonly keyClass: string | null
  readonly valueClass: string | null
  readonly compression: Compression | null
  readonly codec: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly records: number
  /** Of a MapFile; null where there is no index that can be read, and for a SequenceFile. */
  readonly indexEntries: number | null
  /** SHA-256 over the records, however they are stored; null when `data` could not be opened. */
  readonly streamSha256: string | null
  readonly faults: readonly Fault[]
  /** All faults, of which `faults` holds the first thousand. */
  readonly faultCount: number
}

/** What the walk found besides, to compare with `_SUCCESS`. */
export interface VerifiedFile {
  readonly report: Omit<FileReport, 'faults' | 'faultCount'>
  readonly faults: FaultList
  readonly walk: Walk | undefined
  /** Of text, whose records are its lines. */
  readonly bytes?: number
  /** SHA-256 of `data`, where it was asked for. */
  readonly digest: string | undefined
}

/**
 * Walks a SequenceFile or a MapFile with its index, its checksums and Hadoop's sidecars, and goes on behind
 * what can't be read.
 * @param withDigest whether the file's own bytes are digested too
 * @throws FileSystemError and the like where the place fails; damage is told, not thrown.
 */
export async function verifyFile(
  file: StoredFile,
  options: { withDigest?: boolean; signal?: AbortSignal } = {},
): Promise<VerifiedFile> {
  const faults = new FaultList()
  const { fs } = withoutSidecars(file.location)
  const path = dataPath(file)
  await using opened = new OpenedSources(fs)
  const data = await opened.open(path)
  if (!data) {
    faults.add('missing', `There is no ${path}`)
    return { report: emptyReport(file), faults, walk: undefined, digest: undefined }
  }
  const badChunks = await opened.badChunks(path, data, faults, options.signal)
  const digested = new DigestSource(data)
  const sequenceFile = await attempt(faults, 'format', () => openSequenceFile(digested))
  let index: PackedIndex | undefined
  let walk: Walk | undefined
  if (sequenceFile) {
    const { header } = sequenceFile
    const compare =
      file.kind === 'map-file'
        ? await attempt(faults, 'format', async () => comparatorFor(header.keyClass, path))
        : undefined
    index = compare && (await loadIndex(opened, file, header, compare, faults, options.signal))
    const checksums = file.kind === 'map-file' ? await loadChecksums(opened, file, faults) : undefined
    walk = await walkRecords(
      sequenceFile,
      { compare, index, checksums, badChunks, signal: options.signal },
      faults,
    )
  } else for (const { error } of badChunks) faults.addError(error, 'crc')
  const digest = options.withDigest ? await digested.digest(signalOf(options)) : undefined
  return { report: fileReport(file, sequenceFile, index, walk), faults, walk, digest }
}

async function loadIndex(
  opened: OpenedSources,
  file: StoredFile,
  header: SequenceFileHeader,
  compare: (a: Uint8Array, b: Uint8Array) => number,
  faults: FaultList,
  signal: AbortSignal | undefined,
): Promise<PackedIndex | undefined> {
  const path = joinPath(file.location.path, INDEX_FILE)
  const source = await opened.open(path)
  if (!source) {
    faults.add('missing', `There is no ${path}; run "pixelreduce fix"`)
    return undefined
  }
  for (const { error } of await opened.badChunks(path, source, faults, signal)) faults.addError(error, 'crc')
  return attempt(faults, 'index', () => PackedIndex.load(source, header.keyClass, compare))
}

async function loadChecksums(
  opened: OpenedSources,
  file: StoredFile,
  faults: FaultList,
): Promise<ChecksumFile | undefined> {
  const source = await opened.open(joinPath(file.location.path, CHECKSUM_FILE))
  return source && attempt(faults, 'checksum', () => ChecksumFile.load(source))
}

/** Damage becomes a fault; what is not known here too, because a file of it can't be called sound. */
async function attempt<T>(
  faults: FaultList,
  kind: 'format' | 'index' | 'checksum',
  load: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await load()
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof UnsupportedError)) throw error
    faults.addError(error, kind)
    return undefined
  }
}

function emptyReport(file: StoredFile): VerifiedFile['report'] {
  return fileReport(file, undefined, undefined, undefined)
}

function fileReport(
  file: StoredFile,
  sequenceFile: OpenSequenceFile | undefined,
  index: PackedIndex | undefined,
  walk: Walk | undefined,
): VerifiedFile['report'] {
  const header = sequenceFile?.header
  return {
    file: file.name,
    keyClass: header?.keyClass ?? null,
    valueClass: header?.valueClass ?? null,
    compression: header?.compression ?? null,
    codec: header?.codec ?? null,
    metadata: Object.fromEntries(header?.metadata ?? []),
    records: walk?.records ?? 0,
    indexEntries: index?.count ?? null,
    streamSha256: walk?.streamSha256 ?? null,
  }
}

function signalOf({ signal }: { signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal ? { signal } : {}
}
