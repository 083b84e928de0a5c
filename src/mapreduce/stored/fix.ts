import { FormatError, UsageError } from '../../errors.js'
import { exists, openIfThere } from '../../fs/exists.js'
import type { FileSystem } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import { resolveUri, uriOf } from '../../fs/resolve.js'
import type { ByteSink } from '../../io/byte-sink.js'
import type { ByteSource } from '../../io/byte-source.js'
import { CrcSink, crcFileName } from '../../io/crc.js'
import { ChecksumFile } from '../../io/map-file/checksum-file.js'
import { CHECKSUM_FILE, DATA_FILE, type FixReport, fixMapFile, INDEX_FILE } from '../../io/map-file/index.js'
import { openSequenceFile } from '../../io/sequence-file/index.js'
import { BytesWritable } from '../../io/writables/index.js'
import { replaceFile } from './replace-file.js'
import { findStoredFiles, type StoredFile, withoutSidecars } from './stored-files.js'
import { UnreadableBytes } from './unreadable-bytes.js'

/*
 * While a MapFile is repaired, what is new lies beside what is old under names that Hadoop does not see:
 *
 *   .index.fix  [..index.fix.crc]   ._checksum.fix   .quarantine.fix/{data,index,_checksum}
 *
 * and takes its place at the end: the checksums first, which go with any index, then the index. Between the
 * two moves of a replacement the MapFile has no index for a moment; never a wrong one.
 */
const FIX_SUFFIX = '.fix'

export interface FixOptions {
  /** Only reads, and says what would come of it. @default false */
  dryRun?: boolean
  signal?: AbortSignal
}

export interface FixedFile extends FixReport {
  /** Name of the part; the path or URI where there is only one file. */
  readonly file: string
  /** Where the bytes are that can't be read; null where there are none, and with a dry run. */
  readonly quarantine: string | null
  /** Why the old `_checksum` could not be used; null where it could, or there was none. */
  readonly oldChecksumError: string | null
}

/** Hadoop's default, and for pictures ours: every record. */
const DEFAULT_INDEX_INTERVAL = 128
const PICTURE_INDEX_INTERVAL = 1

/**
 * Rebuilds the index and the checksums of a MapFile, or of each part of a job's output, from its data, which
 * is left as it is. Hadoop's sidecar of the data is left out of account: damaged bytes may still hold records.
 * @throws UsageError when nothing is there, or it is no MapFile; FormatError when `data` can't be opened.
 */
export async function* fixStored(uri: string, options: FixOptions = {}): AsyncGenerator<FixedFile> {
  const stored = await findStoredFiles(resolveUri(uri))
  const plain = [...stored.files, ...stored.quarantine].find((file) => file.kind !== 'map-file')
  if (plain) {
    throw new UsageError(`Cannot fix ${uriOf(plain.location)}: it is a file and no MapFile, and has no index`)
  }
  for (const file of [...stored.files, ...stored.quarantine]) {
    yield await fixFile(file, stored.success?.indexInterval, options)
  }
}

async function fixFile(file: StoredFile, told: number | undefined, options: FixOptions): Promise<FixedFile> {
  const { fs } = withoutSidecars(file.location)
  const folder = file.location.path
  const at = (name: string) => joinPath(folder, name)
  await using data = await fs.open(at(DATA_FILE))
  const { header } = await openSequenceFile(data)
  const isPictures = header.valueClass === BytesWritable.className && header.compression === 'NONE'
  const indexInterval = told ?? (isPictures ? PICTURE_INDEX_INTERVAL : DEFAULT_INDEX_INTERVAL)
  const old = await openOldChecksums(fs, at(CHECKSUM_FILE))
  await using checksum = old.source
  const sources = { data, ...(checksum && !old.error ? { checksum } : {}) }
  const signal = options.signal ? { signal: options.signal } : {}
  const common = { file: file.name, oldChecksumError: old.error ?? null }
  if (options.dryRun) {
    return { ...common, ...(await fixMapFile(sources, { indexInterval, ...signal })), quarantine: null }
  }

  const [newIndex, newChecksum] = [at(`.${INDEX_FILE}${FIX_SUFFIX}`), at(`.${CHECKSUM_FILE}${FIX_SUFFIX}`)]
  const indexSidecar = at(crcFileName(INDEX_FILE))
  const hasSidecar = fs.root === 'file://' && (await exists({ fs, path: indexSidecar }))
  const newSidecar = at(crcFileName(`.${INDEX_FILE}${FIX_SUFFIX}`))
  for (const path of [newIndex, newChecksum, newSidecar]) await fs.delete(path)
  await using unreadable = new UnreadableBytes(fs, folder, data)
  await using index: ByteSink = hasSidecar
    ? new CrcSink(await fs.create(newIndex), await fs.create(newSidecar))
    : await fs.create(newIndex)
  await using checksums = await fs.create(newChecksum)
  const report = await fixMapFile(sources, {
    index,
    checksum: checksums,
    indexInterval,
    onSkipped: (range) => unreadable.keep(range),
    ...signal,
  })
  const quarantine = await unreadable.commit()
  await replaceFile(fs, newChecksum, at(CHECKSUM_FILE))
  await fs.delete(indexSidecar)
  await replaceFile(fs, newIndex, at(INDEX_FILE))
  if (hasSidecar) await replaceFile(fs, newSidecar, indexSidecar)
  return { ...common, ...report, quarantine: quarantine ?? null }
}

async function openOldChecksums(
  fs: FileSystem,
  path: string,
): Promise<{ source?: ByteSource | undefined; error?: string }> {
  const source = await openIfThere({ fs, path })
  if (!source) return {}
  try {
    await ChecksumFile.load(source)
    return { source }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { source, error: error.message }
  }
}
