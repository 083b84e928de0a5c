import type { ErrorDetails, ErrorJson } from '../../errors.js'
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
  /** Number of the driver, from 1: another one takes the next. */
  epoch: number
  output: OutputSpec
  /** Undefined for a job without reducers. */
  shuffle?: ShuffleSpec
  onError: OnError
  limits: ImageLimits
  /** Milliseconds that an attempt may go without progress; undefined for as long as it likes. */
  taskTimeoutMs?: number
  /** Milliseconds that the map of one record may take; undefined for as long as it likes. */
  recordTimeoutMs?: number
  /** The only keys that go to the reducers, as messages name them; undefined for all. */
  reduceOnly?: readonly string[]
}

/** How records get from the map tasks to the reducers. */
export interface ShuffleSpec {
  /** Reducers. */
  partitions: number
  /** Bytes of a map task's sort buffer, and of what a reducer's merge holds. */
  sortBytes: number
  /** Short name of the codec that map output is compressed with; undefined for none. */
  codec?: string
  /** Whether keys become their hashes, with the names in an output of their own; see hashed-key.ts. */
  hashesKeys?: boolean
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

/** What is known of the records from attempts that ended in the middle of one. */
export interface RecordsSpec {
  /** One record at a time, so that the one that ends the process is known; of a reducer, the key. */
  isCareful?: boolean
  /** Records to set aside without mapping them. */
  skip?: SkippedRecord[]
}

export interface SkippedRecord {
  /** Its number in the split, from 0. */
  ordinal: number
  /** Why it is set aside, as the end of "Cannot map ...: ". */
  reason: string
}

/** A record that is in map just now. */
export interface RunningRecord {
  /** Its number in the split, from 0. */
  ordinal: number
  key: string
}

export interface MapTaskSpec extends AttemptSpec, RecordsSpec {
  kind: 'map'
  split: InputSplit
}

/** Merges one partition of all map outputs and reduces it. */
export interface ReduceTaskSpec extends AttemptSpec, Pick<RecordsSpec, 'isCareful'> {
  kind: 'reduce'
  partition: number
  /** The committed map tasks, in their order. */
  sources: string[]
}

/** Maps a few records of a split to learn how the keys are spread; writes nothing. */
export interface SampleTaskSpec extends AttemptSpec, RecordsSpec {
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
  /** Of the driver that started the attempt. */
  epoch: number
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
  /** The task that met it. */
  task: string
  error: ErrorJson
}

/** What a running attempt tells now and then. */
export interface TaskProgress {
  taskId: string
  attempt: number
  /** Where it runs, where that is not the driver's own host. */
  host?: string
  read: number
  bytesIn: number
  bad: number
  firstBad?: BadRecord
  /** How much of the task is done, from 0 to 1, where that is known. */
  share?: number
  /** The records in work, as far as they are known. */
  running?: RunningRecord[]
}

/** Runs tasks somewhere: on threads of this process, on a fleet. All that the driver knows of an engine. */
export interface TaskExecutor {
  /** Tasks that it can work on at once. */
  readonly slots: number
  /** What it has counted of its own, by group and name. */
  readonly counters?: CounterSums
  /**
   * Runs one attempt and commits it. Progress is told first when the attempt begins, which may be later
   * than it was handed over. Aborting gives the attempt up; what it wrote is the driver's to remove.
   * @throws what the attempt threw, translated, with its stack; a {@link LostAttempt} in its details when
   * the process ended in which it ran, after the last word about the records that were running in it.
   */
  run(
    spec: TaskSpec,
    options: { signal: AbortSignal; onProgress(progress: TaskProgress): void },
  ): Promise<TaskReport>
  /** Ends all that still runs and frees the threads or processes. */
  close(): Promise<void>
}

/** Details of the error of an attempt whose process ended, by itself or because it took too long. */
export interface LostAttempt extends ErrorDetails {
  /** Why the record that did it is to be set aside, as the end of "Cannot map ...: ". */
  lost: string
  /** Whether it is sure that one of the running records did it. */
  isRecord: boolean
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
