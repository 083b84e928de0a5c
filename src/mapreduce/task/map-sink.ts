import type { FileSystem } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import { Text } from '../../io/writables/index.js'
import { type Counters, TASK_COUNTERS } from '../counters.js'
import { emittedClasses, type Job } from '../job.js'
import type { Ledger } from '../ledger.js'
import { PartWriter } from '../output/part-writer.js'
import { type SerializedRecord, wholeValue } from '../record-classes.js'
import { MapOutput } from '../shuffle/map-output.js'
import { combinerOf } from './combiner.js'
import { hashedKey, withName } from './hashed-key.js'
import { ATTEMPT_PART, MAP_OUTPUT_FILE } from './layout.js'
import { openPartitioner, type Partition } from './partitioner.js'
import type { Emit } from './record-mapper.js'
import { shuffleOrder } from './shuffle-order.js'
import type { MapTaskSpec, PartReport } from './task.js'

/** Where a map task writes what its records emitted. */
export interface MapSink extends AsyncDisposable {
  /** @returns a promise where it asks to wait */
  write(emit: Emit): Promise<void> | void
  close(): Promise<MapSinkReport>
}

interface MapSinkReport {
  part?: PartReport
  /** What was written, for the ledger. */
  ledger: Partial<Ledger>
  /** What must equal it. */
  balance: Partial<Ledger>
}

interface SinkContext {
  fs: FileSystem
  /** The attempt's. */
  folder: string
  counters: Counters
  signal: AbortSignal
  progress(): void
}

export async function openMapSink(
  spec: MapTaskSpec,
  job: Job,
  params: Record<string, unknown>,
  context: SinkContext,
): Promise<MapSink> {
  const { fs, folder } = context
  if (!spec.job.shuffle) {
    return new PartSink(new PartWriter(fs, joinPath(folder, ATTEMPT_PART), spec.job.output))
  }
  const classes = emittedClasses(job)
  const output = new MapOutput({
    fs,
    path: joinPath(folder, MAP_OUTPUT_FILE),
    format: { ...classes, codec: spec.job.shuffle.codec },
    partitions: spec.job.shuffle.partitions,
    order: shuffleOrder(job),
    sortBytes: spec.job.shuffle.sortBytes,
    combine: job.combine && combinerOf(job, params, context),
    counters: context.counters,
    signal: context.signal,
  })
  const partition = await openPartitioner(job, classes.keyClass, spec.job, params)
  return new ShuffleSink(output, partition, context.counters, spec.job.shuffle.hashesKeys ?? false)
}

class PartSink implements MapSink {
  constructor(private readonly writer: PartWriter) {}

  write({ record }: Emit): Promise<void> | void {
    return this.writer.write(record.key, record.value)
  }

  async close(): Promise<MapSinkReport> {
    const part = await this.writer.close()
    return { ledger: { written: part?.records ?? 0 }, balance: {}, ...(part ? { part } : {}) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]()
  }
}

class ShuffleSink implements MapSink {
  constructor(
    private readonly output: MapOutput,
    private readonly partition: Partition,
    private readonly counters: Counters,
    private readonly hashesKeys: boolean,
  ) {}

  write({ key, value, record }: Emit): Promise<void> | void {
    if (this.hashesKeys) return this.writeHashed(key as string, value, record)
    return this.output.write(this.partition(key, value, record.key), record.key, wholeValue(record.value))
  }

  private writeHashed(name: string, value: unknown, record: SerializedRecord): Promise<void> | void {
    const key = hashedKey(name)
    const keyBytes = Text.encode(key)
    const parts = record.value instanceof Uint8Array ? [record.value] : record.value
    return this.output.write(this.partition(key, value, keyBytes), keyBytes, withName(name, parts))
  }

  async close(): Promise<MapSinkReport> {
    const segments = await this.output.close()
    const shuffled = segments.reduce((sum, { records }) => sum + records, 0)
    const counted = this.counters.toJson()[TASK_COUNTERS] ?? {}
    const combined = (counted.COMBINE_INPUT_RECORDS ?? 0) - (counted.COMBINE_OUTPUT_RECORDS ?? 0)
    const emitted = counted.MAP_OUTPUT_RECORDS ?? 0
    // Nothing is written yet; what the combiner left is what the reducers must read.
    return { ledger: { shuffled }, balance: { reduced: emitted - combined, reduceEmitted: 0 } }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.output[Symbol.asyncDispose]()
  }
}
