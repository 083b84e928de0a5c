import type { PixelreduceError } from '../../errors.js'
import type { CounterSums } from '../counters.js'
import type { DriverProcess } from '../history/driver-process.js'
import type { InputDefinition } from '../input/input-definition.js'
import type { InputSplit } from '../input/input-format.js'
import type { Ledger } from '../ledger.js'
import type { SuccessFile, SuccessPart } from '../output/success-file.js'
import type { BadRecord } from '../task/task.js'
import type { JobState } from './job-state.js'
import type { ResolvedOptions } from './options.js'
import type { AttemptInWork } from './stage-options.js'

/** What a running job tells. */
export type JobEvent =
  | {
      type: 'submitted'
      jobId: string
      job: string
      /** How `run-job` is told of the job: its name, or the path of its file. */
      source: string
      /** As they were given, and with every default filled in. */
      params: { given: unknown; complete: unknown }
      inputs: string[]
      output: string
      version: SuccessFile['version']
      options: ResolvedOptions
      driver: DriverProcess
      /** Of a fleet's job: who handed it in, and from where. */
      client?: { user: string; host: string }
    }
  | { type: 'state'; state: JobState }
  | {
      type: 'planned'
      splits: number
      /** What the input's records are. */
      input: InputDefinition<unknown>['kind']
      /** 0 for a job without. */
      reducers: number
      /** Of a job that was resumed: tasks that need not run again. */
      committed?: number
      /** Records of the input, where that is known beforehand. */
      records: number | undefined
      bytes: number
      left: Record<string, number>
      /** What each map task reads, in the order of their numbers. */
      tasks: readonly InputSplit[]
    }
  | {
      type: 'progress'
      stage: 'map' | 'reduce'
      read: number
      records: number | undefined
      bytesIn: number
      bytes: number
      bad: number
      tasksDone: number
      tasks: number
    }
  | { type: 'task-started'; taskId: string; attempt: number; host: string }
  | {
      type: 'task-finished'
      taskId: string
      attempt: number
      host: string
      ms: number
      /** Records read and written. */
      read: number
      written: number
      bytesIn: number
      bad: number
    }
  | { type: 'task-failed'; taskId: string; attempt: number; error: PixelreduceError; again: boolean }
  /** A second attempt was started beside a slow one. */
  | { type: 'task-speculated'; taskId: string; attempt: number }
  /** An attempt was given up through no fault of its own: another one was first, or the job ended. */
  | { type: 'task-killed'; taskId: string; attempt: number }
  /** An attempt went with its worker, or its worker had trouble of its own: it counts as no failure of the task. */
  | { type: 'task-lost'; taskId: string; attempt: number; error: PixelreduceError }
  /** Nothing has moved for so long; the attempts that are under way, and their records where they are known. */
  | { type: 'no-progress'; quietMs: number; running: AttemptInWork[] }
  /** A fleet has the job and has not begun it. Told to who follows it, and in no history. */
  | { type: 'waiting'; why: string }
  /** This driver has stopped, and another one goes on. */
  | { type: 'handed-over'; error: PixelreduceError }
  /** Something that the job made for itself could not be removed. */
  | { type: 'left-behind'; uri: string; error: PixelreduceError }
  /** The job's history can't be written; the job goes on without. Told once. */
  | { type: 'history-failed'; uri: string; error: PixelreduceError }
  | {
      type: 'succeeded'
      output: string
      ledger: Ledger
      counters: SuccessFile['counters']
      counterGroups: CounterSums
      /** How many of them there are. */
      parts: number
      /** The first few records that were set aside or skipped. */
      badRecords?: BadRecord[]
      elapsedMs: number
    }
  | { type: 'failed'; error: PixelreduceError }
  | { type: 'killed'; error: PixelreduceError }

/** What a job that succeeded was. */
export interface JobResult {
  jobId: string
  job: string
  /** URI of the output. */
  output: string
  ledger: Ledger
  counters: SuccessFile['counters']
  /** Hadoop's counters and the job's own, by group and name. */
  counterGroups: CounterSums
  parts: SuccessPart[]
  /** Parts of the job's further outputs, by their names. */
  outputs?: Record<string, SuccessPart[]>
  quarantine: SuccessPart[]
  /** The first few records that were set aside or skipped. */
  badRecords: BadRecord[]
  /** Files that were left because they are no pictures by their extension, counted by it. */
  left: Record<string, number>
  elapsedMs: number
}
