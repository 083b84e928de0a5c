import type { FileSystem } from '../../fs/file-system.js'
import { mergeMapFiles } from '../../io/map-file/merge-map-files.js'
import { comparatorFor } from '../../io/writables/comparator.js'
import { type OpenMapFile, openMapFile } from '../map-file-folder.js'
import { valueBytes } from '../record-classes.js'
import type { OutputSpec, PartReport } from '../task/task.js'
import { PartFile } from './part-file.js'
import type { RecordPart } from './record-part.js'
import { SequenceFilePart } from './sequence-file-part.js'
import { TextPart } from './text-part.js'

/** Bytes of records that are sorted in memory at once when a task emits its keys out of order. */
const SORT_BYTES = 32 * 1024 * 1024

/** Runs that are merged at once; each holds a file open and a piece of it in memory. */
const MERGE_WAYS = 32

interface Entry {
  key: Uint8Array
  value: Uint8Array | readonly Uint8Array[]
}

/**
 * Writes the part of a task. Records whose keys ascend, as pictures read in order do, go straight to the
 * file. From the first key that does not, records are gathered, sorted and written as runs beside it,
 * which are merged at the end: a MapFile is in order, and no job is refused for the order of its keys.
 */
export class PartWriter implements AsyncDisposable {
  private part: RecordPart | undefined
  private lastKey: Uint8Array | undefined
  private runs: string[] = []
  /** Runs are read once and thrown away: compressing them would cost more than it saves. */
  private readonly runOutput: OutputSpec
  private gathered: Entry[] | undefined
  private gatheredBytes = 0
  private runCount = 0
  private readonly isOrdered: boolean
  private readonly compare: (a: Uint8Array, b: Uint8Array) => number

  /** @param folder made with the first record */
  constructor(
    private readonly fs: FileSystem,
    private readonly folder: string,
    private readonly output: OutputSpec,
  ) {
    const { codec: _, ...uncompressed } = output
    this.runOutput = { ...uncompressed, compression: 'NONE' }
    this.isOrdered = output.format === 'mapfile'
    this.compare = this.isOrdered ? comparatorFor(output.keyClass, folder) : () => 0
  }

  /**
   * @param key as its Writable serialized it, as the value
   * @returns a promise where it asks to wait
   */
  write(key: Uint8Array, value: Entry['value']): Promise<void> | void {
    if (this.part && !this.gathered && !(this.isOrdered && this.isBelowLast(key))) {
      this.lastKey = key
      return this.part.append(key, value)
    }
    return this.writeSlowly(key, value)
  }

  private async writeSlowly(key: Uint8Array, value: Entry['value']): Promise<void> {
    if (this.gathered) return this.gather({ key, value })
    if (this.isOrdered && this.isBelowLast(key)) {
      await this.startRuns()
      return this.gather({ key, value })
    }
    this.part ??= await createPart(this.fs, this.folder, this.output)
    this.lastKey = key
    await this.part.append(key, value)
  }

  private isBelowLast(key: Uint8Array): boolean {
    return this.lastKey !== undefined && this.compare(key, this.lastKey) < 0
  }

  /** The part as read back; undefined when nothing was written, and then there is no folder either. */
  async close(): Promise<PartReport | undefined> {
    if (this.gathered) {
      await this.spill()
      while (this.runs.length > MERGE_WAYS) {
        const merged = this.nextRun()
        const some = this.runs.splice(0, MERGE_WAYS)
        await this.merge(some, merged, this.runOutput)
        // They are older than all that follow, and so stay first among equal keys.
        this.runs.unshift(merged)
      }
      return this.merge(this.runs.splice(0), this.folder, this.output)
    }
    const { part } = this
    if (!part) return undefined
    const report = await part.close()
    this.part = undefined
    return report
  }

  /** The same, but leaves a MapFile without records where nothing was written. */
  async closeEvenEmpty(): Promise<PartReport> {
    this.part ??= this.gathered ? undefined : await createPart(this.fs, this.folder, this.output)
    return (await this.close())!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.part?.[Symbol.asyncDispose]()
  }

  /** What was written so far is the first run. */
  private async startRuns(): Promise<void> {
    await (this.part as PartFile).writer.close()
    this.part = undefined
    const run = this.nextRun()
    await this.fs.rename(this.folder, run)
    this.runs.push(run)
    this.gathered = []
  }

  private async gather(entry: Entry): Promise<void> {
    this.gathered!.push(entry)
    this.gatheredBytes += entry.key.length + valueBytes(entry.value)
    if (this.gatheredBytes >= SORT_BYTES) await this.spill()
  }

  private async spill(): Promise<void> {
    // Stable, so that equal keys keep the order in which they were emitted.
    const entries = this.gathered!.sort((a, b) => this.compare(a.key, b.key))
    this.gathered = []
    this.gatheredBytes = 0
    const run = this.nextRun()
    await using file = await PartFile.create(this.fs, run, this.runOutput)
    for (const { key, value } of entries) await file.append(key, value)
    await file.writer.close()
    this.runs.push(run)
  }

  private async merge(runs: readonly string[], target: string, output: OutputSpec): Promise<PartReport> {
    const report = await mergeParts(this.fs, runs, target, output)
    for (const run of runs) await this.fs.delete(run, { recursive: true })
    return report
  }

  private nextRun(): string {
    return `${this.folder}.run-${this.runCount++}`
  }
}

/** Merges MapFiles of pictures to one; of equal keys those of an earlier file come first. */
export async function mergeParts(
  fs: FileSystem,
  folders: readonly string[],
  target: string,
  output: OutputSpec,
): Promise<PartReport> {
  const files: OpenMapFile[] = []
  try {
    for (const folder of folders) files.push(await openMapFile(fs, folder))
    await using merged = await PartFile.create(fs, target, output)
    await mergeMapFiles(
      files.map((file) => file.sources),
      merged.writer,
    )
    return await merged.close()
  } finally {
    for (const file of files) await file.close()
  }
}

/** Begins a part of the output's format. */
async function createPart(fs: FileSystem, path: string, output: OutputSpec): Promise<RecordPart> {
  switch (output.format) {
    case 'mapfile':
      return PartFile.create(fs, path, output)
    case 'sequencefile':
      return SequenceFilePart.create(fs, path, output)
    case 'text':
    case 'jsonl':
      return TextPart.create(fs, path, output)
  }
}
