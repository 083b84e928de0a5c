import { ChecksumError, FencedError, LedgerError } from '../../errors.js'
import { listIfThere } from '../../fs/exists.js'
import type { FileSystem } from '../../fs/file-system.js'
import { baseName, joinPath } from '../../fs/path.js'
import type { Location } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import { DATA_FILE } from '../../io/map-file/format.js'
import { RecordMerge } from '../../io/map-file/merge.js'
import type { RawRecord } from '../../io/sequence-file/format.js'
import { comparatorFor } from '../../io/writables/comparator.js'
import { addCounters, OUTPUT_COUNTERS, TASK_COUNTERS } from '../counters.js'
import { addLedgers, checkLedger } from '../ledger.js'
import { type OpenMapFile, openMapFile } from '../map-file-folder.js'
import { historyCopies, outputFolder, partName, QUARANTINE_FOLDER, SUCCESS_FILE } from '../task/layout.js'
import { keyFromJson, type OutputSpec } from '../task/task.js'
import { DigestSink } from './digest-sink.js'
import { PartFile, storedAs } from './part-file.js'
import { readSuccess, type SuccessFile, type SuccessPart } from './success-file.js'

/**
 * Puts what a retry has made of an output's quarantine into a copy of that output, which then takes the
 * place of the retry's own output in the job's folder. Parts that get nothing are copied byte for byte; of
 * MapFiles the others are merged by key, and to other formats parts are added. Quarantine is what failed
 * again.
 *
 * @param retry what the retry says of its own output
 * @param spec how parts are written
 * @returns what the merged output says of itself
 * @throws FencedError when the output is not the one that was retried any more; LedgerError when the retry
 * has not read all of its quarantine.
 */
export async function mergeRetried(
  output: Location,
  jobFolder: Location,
  retry: SuccessFile,
  retryOf: string,
  spec: OutputSpec,
): Promise<SuccessFile> {
  const old = await readSuccess(output)
  if (old?.jobId !== retryOf) {
    throw new FencedError(
      `Cannot put the retried records into ${output.path}: it is the output of ${old?.jobId ?? 'no job'} now, not of ${retryOf}`,
    )
  }
  if (retry.ledger.read !== old.ledger.quarantined) {
    throw new LedgerError(
      `Cannot put the retried records into ${output.path}: ${old.ledger.quarantined} are in its quarantine, ${retry.ledger.read} were read`,
    )
  }
  const { fs } = jobFolder
  const merged = joinPath(jobFolder.path, 'merged')
  const recovered = joinPath(jobFolder.path, 'recovered')
  await fs.rename(outputFolder(jobFolder.path), recovered)
  await fs.mkdir(merged)

  const isMapFile = (old.outputFormat ?? 'mapfile') === 'mapfile'
  const merge = new OutputMerge(fs, { old: output.path, recovered, merged }, old, spec)
  const parts = isMapFile ? await merge.mapFiles(retry.parts) : await merge.otherFiles(retry.parts)
  if (retry.quarantine.length > 0) {
    await fs.rename(joinPath(recovered, QUARANTINE_FOLDER), joinPath(merged, QUARANTINE_FOLDER))
  }
  await merge.logs()

  const success = mergedSuccess(old, retry, parts, merge.moreDuplicateKeys)
  checkLedger(success.ledger, `the output with what was retried`)
  await writeText(fs, joinPath(merged, SUCCESS_FILE), `${JSON.stringify(success, null, 2)}\n`, {
    durable: true,
  })
  await fs.rename(merged, outputFolder(jobFolder.path))
  return success
}

function mergedSuccess(
  old: SuccessFile,
  retry: SuccessFile,
  parts: SuccessPart[],
  moreDuplicateKeys: number,
): SuccessFile {
  const { jobId, params, version, ledger: retried } = retry
  const records = parts.reduce((sum, part) => sum + part.records, 0)
  const bytesOut = parts.reduce((sum, part) => sum + part.bytes, 0)
  const ledger = {
    ...addLedgers([old.ledger, retried]),
    // The retry has read again what the first job had read.
    read: old.ledger.read,
    quarantined: retried.quarantined,
    written: records,
  }
  const counterGroups = addCounters([old.counterGroups, retry.counterGroups])
  // What tells of the output's records and bytes tells of the output as it is now.
  const describe = (group: string, name: string, value: number) => {
    const counters = counterGroups[group]
    if (counters && name in counters) counters[name] = value
  }
  describe(TASK_COUNTERS, 'MAP_INPUT_RECORDS', ledger.read)
  describe(OUTPUT_COUNTERS, 'BYTES_WRITTEN', bytesOut)
  return {
    ...old,
    jobId,
    ledger,
    counters: {
      bytesIn: old.counters.bytesIn,
      bytesOut,
      duplicateKeys: old.counters.duplicateKeys + moreDuplicateKeys,
    },
    counterGroups,
    parts,
    quarantine: retry.quarantine,
    retries: [...(old.retries ?? []), { jobId, params, version, ledger: retried }],
  }
}

class OutputMerge {
  /** Records whose key is that of another since the merge. */
  moreDuplicateKeys = 0
  private readonly spec: OutputSpec

  constructor(
    private readonly fs: FileSystem,
    private readonly folders: { old: string; recovered: string; merged: string },
    private readonly success: SuccessFile,
    spec: OutputSpec,
  ) {
    this.spec = { ...spec, syncMarker: success.syncMarker }
  }

  async mapFiles(recovered: readonly SuccessPart[]): Promise<SuccessPart[]> {
    const { parts, partitioning } = this.success
    // An output without records has a part all the same, of which _SUCCESS does not tell.
    if (parts.length === 0) return this.copyAll(recovered)
    const filled = recovered.filter((part) => part.records > 0)
    if (partitioning !== 'hash') return this.mergeByKey(filled)
    const merged: SuccessPart[] = []
    for (const part of parts) {
      const own = filled.filter(({ name }) => name === part.name)
      await using records = await RecoveredRecords.open(this.fs, this.folders.recovered, own, this.spec)
      merged.push(await this.mergePart(part, records, undefined))
    }
    return merged
  }

  /** Files of lines or records in the order of the input; there is no telling where these were in it. */
  async otherFiles(recovered: readonly SuccessPart[]): Promise<SuccessPart[]> {
    const { parts } = this.success
    if (parts.length === 0) return this.copyAll(recovered)
    const copied: SuccessPart[] = []
    for (const part of parts) copied.push(await this.copyPart(part))
    for (const part of recovered.filter(({ records }) => records > 0)) {
      const name = partName(copied.length)
      await this.fs.rename(joinPath(this.folders.recovered, part.name), joinPath(this.folders.merged, name))
      copied.push({ ...part, name })
    }
    return copied
  }

  /** The histories of the jobs that have made the output. */
  async logs(): Promise<void> {
    const { fs } = this
    const from = historyCopies({ fs, path: this.folders.old })
    const to = historyCopies({ fs, path: this.folders.merged }).path
    for await (const entry of listIfThere(from)) {
      await fs.mkdirs(to)
      await this.copyFile(entry.path, joinPath(to, baseName(entry.path)), { unshared: true })
    }
  }

  /** Each record goes to the part in whose range it falls; where parts overlap, the last one takes them. */
  private async mergeByKey(recovered: readonly SuccessPart[]): Promise<SuccessPart[]> {
    const { parts, partitioning } = this.success
    await using records = await RecoveredRecords.open(this.fs, this.folders.recovered, recovered, this.spec)
    const merged: SuccessPart[] = []
    for (const [number, part] of parts.entries()) {
      const next = parts.slice(number + 1).find((each) => each.records > 0)
      if (partitioning === 'overlapping' && next) merged.push(await this.copyPart(part))
      else merged.push(await this.mergePart(part, records, next))
    }
    return merged
  }

  /** @param next whose first key ends this part's range */
  private async mergePart(
    part: SuccessPart,
    records: RecoveredRecords,
    next: SuccessPart | undefined,
  ): Promise<SuccessPart> {
    const { keyClass } = this.spec
    const bound = next && keyFromJson(keyClass, next.firstKey)
    if (!(await records.isBelow(bound))) return this.copyPart(part)
    await using file = await openMapFile(this.fs, joinPath(this.folders.old, part.name))
    await using scan = await file.reader.scan()
    await using target = await PartFile.create(this.fs, joinPath(this.folders.merged, part.name), this.spec)
    const compare = comparatorFor(keyClass, part.name)
    // Of equal keys the old record comes first.
    const merge = new RecordMerge([scan, records.below(bound)], compare)
    let oldDuplicates = 0
    let lastOld: Uint8Array | undefined
    for await (const { key, value } of merge) {
      if (merge.from === 0) {
        if (lastOld && compare(lastOld, key) === 0) oldDuplicates++
        lastOld = key
      }
      await target.append(key, value)
    }
    const { duplicateKeys, firstDuplicate: _, ...report } = await target.close()
    this.moreDuplicateKeys += duplicateKeys - oldDuplicates
    return { name: part.name, ...report }
  }

  private async copyAll(recovered: readonly SuccessPart[]): Promise<SuccessPart[]> {
    for await (const entry of this.fs.list(this.folders.recovered)) {
      const name = baseName(entry.path)
      if (name.startsWith('part-')) await this.fs.rename(entry.path, joinPath(this.folders.merged, name))
    }
    return [...recovered]
  }

  /** @throws ChecksumError when the part is not the one that was written. */
  private async copyPart(part: SuccessPart): Promise<SuccessPart> {
    const { fs } = this
    const from = joinPath(this.folders.old, part.name)
    const to = joinPath(this.folders.merged, part.name)
    const stored = storedAs(this.spec)
    const withCrc = { ...stored, crc: this.spec.crc }
    let digest: string
    if ((await fs.stat(from)).type === 'file') digest = await this.copyFile(from, to, withCrc)
    else {
      await fs.mkdir(to)
      digest = await this.copyFile(joinPath(from, DATA_FILE), joinPath(to, DATA_FILE), withCrc)
      for await (const { path } of fs.list(from)) {
        const name = baseName(path)
        // Sidecars are written with their files.
        if (name === DATA_FILE || name.startsWith('.')) continue
        await this.copyFile(path, joinPath(to, name), name.startsWith('_') ? stored : withCrc)
      }
    }
    if (digest === part.digest) return part
    throw new ChecksumError(
      `Cannot copy ${from}: the SHA-256 of its data is ${digest}, ${SUCCESS_FILE} tells ${part.digest}; run "pixelreduce verify"`,
      { details: { file: from } },
    )
  }

  /** @returns the SHA-256 of the bytes, in hex */
  private async copyFile(
    from: string,
    to: string,
    options: Parameters<FileSystem['create']>[1],
  ): Promise<string> {
    await using source = await this.fs.open(from)
    await using sink = new DigestSink(await this.fs.create(to, options))
    for await (const piece of source.stream(0)) await sink.write(piece)
    await sink.close()
    return sink.digest()
  }
}

/** The records of MapFiles in the order of their keys, taken up to one bound after the other. */
class RecoveredRecords implements AsyncDisposable {
  private head: RawRecord | undefined

  private constructor(
    private readonly files: readonly OpenMapFile[],
    private readonly merge: RecordMerge,
    private readonly compare: (a: Uint8Array, b: Uint8Array) => number,
  ) {}

  static async open(
    fs: FileSystem,
    folder: string,
    parts: readonly SuccessPart[],
    { keyClass }: OutputSpec,
  ): Promise<RecoveredRecords> {
    const compare = comparatorFor(keyClass, folder)
    const files: OpenMapFile[] = []
    const scans: Awaited<ReturnType<OpenMapFile['reader']['scan']>>[] = []
    try {
      for (const { name } of parts) {
        const file = await openMapFile(fs, joinPath(folder, name))
        files.push(file)
        scans.push(await file.reader.scan())
      }
    } catch (error) {
      await closeAll(files)
      throw error
    }
    return new RecoveredRecords(files, new RecordMerge(scans, compare), compare)
  }

  /** Whether there is a record below the bound; without a bound, whether there is one at all. */
  async isBelow(bound: Uint8Array | undefined): Promise<boolean> {
    while (!this.head) {
      this.head = this.merge.next()
      if (!this.head && !(await this.merge.fill())) return false
    }
    return !bound || this.compare(this.head.key, bound) < 0
  }

  below(bound: Uint8Array | undefined): { fill(): Promise<boolean>; next(): RawRecord | undefined } {
    let isReady = false
    return {
      fill: async () => {
        isReady = await this.isBelow(bound)
        return isReady
      },
      next: () => {
        if (!isReady) return undefined
        isReady = false
        const record = this.head
        this.head = undefined
        return record
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.files)
  }
}

async function closeAll(files: readonly OpenMapFile[]): Promise<void> {
  for (const file of files) await file.close()
}
