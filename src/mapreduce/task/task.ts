import type { ImageLimits } from '../../image/limits.js'
import { asBuffer } from '../../io/bytes.js'
import type { Compression } from '../../io/sequence-file/format.js'
import { Text } from '../../io/writables/text.js'
import type { CounterSums } from '../counters.js'
import type { InputSplit } from '../input/input-format.js'
import type { OutputFormat } from '../job.js'
import type { Ledger } from '../ledger.js'

/** What every task of a job shares, as plain JSON. */
export interface JobSpec {
  jobId: string
  /** The job's name, and the module that exports it: a file URL, or the bundle in the job's folder. */
  name: string
  module: string
  /** Checked already, with defaults filled in. */
  params: unknown
  /** URI of the job's hidden folder. */
  jobFolder: string
  output: OutputSpec
  /** Undefined for a job without reducers. */
  shuffle?: ShuffleSpec
  onError: OnError
  limits: ImageLimits
}

/** How records get from the map tasks to the reducers. */
export interface ShuffleSpec {
  /** Reducers. */
  partitions: number
  /** Bytes of a map task's sort buffer, and of what a reducer's merge holds. */
  sortBytes: number
  /** Short name of the codec that map output is compressed with; undefined for none. */
  codec?: string
  /** Path in the job's folder of a partition file, for total order. */
  partitionFile?: string
}

export interface OutputSpec {
  format: OutputFormat
  /** Java class names. */
  keyClass: string
  valueClass: string
  /** One marker for the whole output, in hex, so that parts can be joined raw. */
  syncMarker: string
  /** Records from one index entry to the next. */
  indexInterval: number
  compression: Compression
  /** Java class name; undefined with NONE. */
  codec?: string
  /** Whether `.crc` sidecars are written beside data and index, where the file system has them. */
  crc: boolean
  /** Bytes of a block, where the file system has blocks. @default the file system's own */
  blockSize?: number
  /** Copies of each block, where the file system makes copies. @default the file system's own */
  replication?: number
}

export type OnError = 'fail' | 'skip' | 'quarantine'

/** One attempt at one task: the work that a {@link TaskExecutor} is handed. */
export type TaskSpec = MapTaskSpec | ReduceTaskSpec | JoinTaskSpec | SampleTaskSpec

interface AttemptSpec {
  job: JobSpec
  taskId: string
  /** Counted from 0. */
  attempt: number
}

export interface MapTaskSpec extends AttemptSpec {
  kind: 'map'
  split: InputSplit
}

/** Merges one partition of all map outputs and reduces it. */
export interface ReduceTaskSpec extends AttemptSpec {
  kind: 'reduce'
  partition: number
  /** The committed map tasks, in their order. */
  sources: string[]
}

/** Maps a few records of a split to learn how the keys are spread; writes nothing. */
export interface SampleTaskSpec extends AttemptSpec {
  kind: 'sample'
  split: InputSplit
  records: number
}

/** Joins the parts of neighbouring tasks to one, in their order. */
export interface JoinTaskSpec extends AttemptSpec {
  kind: 'join'
  /** Committed tasks, each with something of what is joined. */
  sources: string[]
  /** Whether each source's keys are above those of the one before: then their bytes are copied raw. */
  areAscending: boolean
  what: 'part' | 'quarantine'
}

/** What a finished attempt says; it lies as `report.json` in the attempt's folder too. */
export interface TaskReport {
  taskId: string
  attempt: number
  ledger: Ledger
  /** Bytes of the values read. */
  bytesIn: number
  part?: PartReport
  quarantine?: PartReport
  /** Parts of the job's further outputs, by their names. */
  outputs?: Record<string, PartReport>
  /** Serialized keys in base64, of a sample. */
  sample?: string[]
  counters: CounterSums
  /** The first few bad records, for the summary. */
  badRecords: BadRecord[]
}

/** A MapFile that was written, as read back from it. */
export interface PartReport {
  records: number
  /** Bytes of `data`. */
  bytes: number
  firstKey: KeyJson
  lastKey: KeyJson
  /** Records whose key is that of the record before. */
  duplicateKeys: number
  /** The first such key. */
  firstDuplicate?: KeyJson
  /** SHA-256 of `data`, in hex. */
  digest: string
}

/** A key in JSON: of a Text its text where it is UTF-8, else its bytes; of any other class what it serialized. */
export type KeyJson = string | { base64: string }

export interface BadRecord {
  key: string
  reason: string
  /** What was being done with the record. */
  stage: 'read' | 'map' | 'write'
}

/** What a running attempt tells now and then. */
export interface TaskProgress {
  taskId: string
  attempt: number
  read: number
  bytesIn: number
  bad: number
}

/** Runs tasks somewhere: on threads of this process, on a fleet. All that the driver knows of an engine. */
export interface TaskExecutor {
  /** Tasks that it can work on at once. */
  readonly slots: number
  /**
   * Runs one attempt and commits it. Aborting gives it up; what it wrote is the driver's to remove.
   * @throws what the attempt threw, translated, with its stack.
   */
  run(
    spec: TaskSpec,
    options: { signal: AbortSignal; onProgress(progress: TaskProgress): void },
  ): Promise<TaskReport>
  /** Ends all that still runs and frees the threads. */
  close(): Promise<void>
}

/** @param key as its class serialized it */
export function keyToJson(keyClass: string, key: Uint8Array): KeyJson {
  if (keyClass !== Text.className) return { base64: asBuffer(key).toString('base64') }
  const utf8 = asBuffer(Text.utf8(key))
  const text = utf8.toString('utf8')
  return Buffer.from(text).equals(utf8) ? text : { base64: utf8.toString('base64') }
}

/** The key as its class serializes it. */
export function keyFromJson(keyClass: string, key: KeyJson): Uint8Array {
  const bytes = typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.base64, 'base64')
  return keyClass === Text.className ? Text.fromUtf8(bytes) : bytes
}
