import type { PixelreduceError } from '../../errors.js'
import type { CounterSums } from '../counters.js'
import type { Ledger } from '../ledger.js'
import type { SuccessFile, SuccessPart } from '../output/success-file.js'
import type { BadRecord } from '../task/task.js'
import type { JobState } from './job-state.js'

/** What a running job tells. */
export type JobEvent =
  | { type: 'state'; state: JobState }
  | {
      type: 'planned'
      splits: number
      /** 0 for a job without. */
      reducers: number
      /** Records of the input, where that is known beforehand. */
      records: number | undefined
      bytes: number
      left: Record<string, number>
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
  | { type: 'task-failed'; taskId: string; attempt: number; error: PixelreduceError; again: boolean }
  /** Something that the job made for itself could not be removed. */
  | { type: 'left-behind'; uri: string; error: PixelreduceError }

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
