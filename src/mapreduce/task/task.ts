import type { ImageLimits } from '../../image/limits.js'
import type { Compression } from '../../io/sequence-file/format.js'
import type { InputSplit } from '../input/input-format.js'
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
  onError: OnError
  limits: ImageLimits
}

export interface OutputSpec {
  /** One marker for the whole output, in hex, so that parts can be joined raw. */
  syncMarker: string
  /** Records from one index entry to the next. */
  indexInterval: number
  compression: Compression
  /** Java class name; undefined with NONE. */
  codec?: string
  /** Whether `.crc` sidecars are written beside data and index, where the file system has them. */
  crc: boolean
}

export type OnError = 'fail' | 'skip' | 'quarantine'

/** One attempt at one task: the work that a {@link TaskExecutor} is handed. */
export type TaskSpec = MapTaskSpec | JoinTaskSpec

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

/** Joins the parts of neighbouring tasks to one, in their order. */
export interface JoinTaskSpec extends AttemptSpec {
  kind: 'join'
  /** Committed tasks, each with something of what is joined. */
  sources: string[]
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

/** A key in JSON: its text where it is UTF-8, else its bytes. */
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

export function keyToJson(key: Uint8Array): KeyJson {
  const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8')
  return Buffer.from(text).equals(key) ? text : { base64: Buffer.from(key).toString('base64') }
}

export function keyFromJson(key: KeyJson): Uint8Array {
  return typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.base64, 'base64')
}
