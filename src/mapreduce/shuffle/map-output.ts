import { UserCodeError } from '../../errors.js'
import type { FileSystem } from '../../fs/file-system.js'
import type { RecordMerge } from '../../io/map-file/merge.js'
import type { RawRecord } from '../../io/sequence-file/index.js'
import { type Counters, TASK_COUNTERS } from '../counters.js'
import { Groups } from './groups.js'
import type { KeyOrder } from './key-order.js'
import { mergeSegments, type SegmentFile } from './merge-segments.js'
import { SortBuffer, type SortedRecords } from './sort-buffer.js'
import { type Segment, type SpillFormat, SpillWriter } from './spill-file.js'

/** From so many spills on the combiner runs once more while they are merged; Hadoop's default. */
const COMBINE_AGAIN_FROM = 3

/** Sums up the values of a key; emits records with that key, serialized. */
export type Combiner = (
  key: Uint8Array,
  groups: Groups,
  emit: (key: Uint8Array, value: Uint8Array) => Promise<void> | void,
) => Promise<void>

export interface MapOutputOptions {
  fs: FileSystem
  /** Where the sorted output goes; spills lie beside it until they are merged. */
  path: string
  format: SpillFormat
  partitions: number
  order: KeyOrder
  /** Bytes of the sort buffer. */
  sortBytes: number
  combine?: Combiner | undefined
  counters: Counters
  signal: AbortSignal
}

/**
 * What a map task emits on its way to the reducers: gathered in a sort buffer, spilled in order whenever it
 * is full, and merged at the end to one file with a segment for each partition.
 */
export class MapOutput implements AsyncDisposable {
  private readonly buffer: SortBuffer
  private readonly spills: { path: string; segments: Segment[] }[] = []
  private scratchFiles = 0
  private records = 0
  private bytes = 0

  constructor(private readonly options: MapOutputOptions) {
    const { sortBytes, partitions, order } = options
    this.buffer = new SortBuffer({
      bytes: sortBytes,
      partitions,
      compare: order.compare,
      order: order.rawOrder,
    })
  }

  /**
   * @returns a promise where it has to spill first
   * @throws UserCodeError when the key is larger than the sort buffer.
   */
  write(partition: number, key: Uint8Array, value: Uint8Array): Promise<void> | void {
    this.records++
    this.bytes += key.length + value.length
    if (this.buffer.add(partition, key, value)) return
    return this.writeAfterSpill(partition, key, value)
  }

  /** Merges the spills; the segments of the file, one for each partition. */
  async close(): Promise<Segment[]> {
    const { fs, path, counters } = this.options
    counters.increment(TASK_COUNTERS, 'MAP_OUTPUT_RECORDS', this.records)
    counters.increment(TASK_COUNTERS, 'MAP_OUTPUT_BYTES', this.bytes)
    if (this.spills.length === 0) return this.spillTo(path)
    if (this.buffer.count > 0) await this.spill()
    const segments = await this.mergeSpills()
    for (const spill of this.spills) {
      await fs.delete(spill.path)
      await fs.delete(`${spill.path}.index`)
    }
    return segments
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.buffer.clear()
  }

  private async writeAfterSpill(partition: number, key: Uint8Array, value: Uint8Array): Promise<void> {
    if (this.buffer.count > 0) await this.spill()
    if (this.buffer.add(partition, key, value)) return
    if (!this.buffer.fits(key.length, 0)) {
      throw new UserCodeError(
        `Cannot sort a key of ${key.length} bytes: the sort buffer has ${this.options.sortBytes}; give it more with --sort-buffer`,
      )
    }
    // A value that the buffer can't hold is a spill of its own.
    const record: RawRecord = { key, value, position: 0 }
    await this.writeSpill(this.nextPath(), (each) => (each === partition ? new OneRecord(record) : undefined))
  }

  private async spill(): Promise<void> {
    const path = this.nextPath()
    this.spills.push({ path, segments: await this.spillTo(path) })
    this.buffer.clear()
  }

  private async spillTo(path: string): Promise<Segment[]> {
    const sorted: SortedRecords[] = this.buffer.sorted()
    return this.writeSegments(path, (partition) => sorted[partition]!, this.options.combine !== undefined)
  }

  private async writeSpill(path: string, of: (partition: number) => OneRecord | undefined): Promise<void> {
    const segments = await this.writeSegments(path, (partition) => of(partition) ?? new OneRecord(), false)
    this.spills.push({ path, segments })
  }

  private async mergeSpills(): Promise<Segment[]> {
    const { fs, path, combine, order, sortBytes, format, signal } = this.options
    const combinesAgain = combine !== undefined && this.spills.length >= COMBINE_AGAIN_FROM
    // The buffer has done its work; the merge may have its bytes.
    const merges = (partition: number) => {
      const files: SegmentFile[] = this.spills.map((spill) => ({
        fs,
        path: spill.path,
        segment: spill.segments[partition]!,
      }))
      const scratch = () => ({ fs, path: this.nextPath() })
      return mergeSegments(files, { order, bytes: sortBytes, format, scratch, signal })
    }
    await using writer = await SpillWriter.create(fs, path, format)
    for (let partition = 0; partition < this.options.partitions; partition++) {
      await using opened = await merges(partition)
      await this.writePartition(writer, opened.merge, combinesAgain)
    }
    return await writer.close()
  }

  private async writeSegments(
    path: string,
    recordsOf: (partition: number) => SortedRecords | OneRecord,
    combines: boolean,
  ): Promise<Segment[]> {
    const { fs, format, partitions } = this.options
    await using writer = await SpillWriter.create(fs, path, format)
    for (let partition = 0; partition < partitions; partition++) {
      await this.writePartition(writer, recordsOf(partition), combines)
    }
    return await writer.close()
  }

  private async writePartition(
    writer: SpillWriter,
    records: SortedRecords | OneRecord | RecordMerge,
    combines: boolean,
  ): Promise<void> {
    const { signal, counters } = this.options
    await writer.startPartition()
    if (combines) return this.combineTo(writer, records)
    let spilled = 0
    while (await records.fill()) {
      signal.throwIfAborted()
      for (let record = records.next(); record; record = records.next()) {
        const waiting = writer.append(record.key, record.value)
        if (waiting) await waiting
        spilled++
      }
    }
    counters.increment(TASK_COUNTERS, 'SPILLED_RECORDS', spilled)
  }

  private async combineTo(
    writer: SpillWriter,
    records: SortedRecords | OneRecord | RecordMerge,
  ): Promise<void> {
    const { combine, order, signal, counters } = this.options
    const groups = new Groups(records, (a, b) => order.compare(a, b) === 0)
    let emitted = 0
    while (await groups.next()) {
      signal.throwIfAborted()
      const { key } = groups
      await combine!(key, groups, (emittedKey, value) => {
        if (order.compare(emittedKey, key) !== 0) {
          throw new UserCodeError(
            'A combiner emitted another key than the one it was given: it must not, records would lie out of order; change keys in map or reduce',
          )
        }
        emitted++
        return writer.append(emittedKey, value)
      })
    }
    counters.increment(TASK_COUNTERS, 'COMBINE_INPUT_RECORDS', groups.records)
    counters.increment(TASK_COUNTERS, 'COMBINE_OUTPUT_RECORDS', emitted)
    counters.increment(TASK_COUNTERS, 'SPILLED_RECORDS', emitted)
  }

  private nextPath(): string {
    return `${this.options.path}.spill-${this.scratchFiles++}`
  }
}

/** A partition of one record, or of none. */
class OneRecord {
  constructor(private record?: RawRecord) {}

  async fill(): Promise<boolean> {
    return this.record !== undefined
  }

  next(): RawRecord | undefined {
    const { record } = this
    this.record = undefined
    return record
  }
}
