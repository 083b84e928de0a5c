import type { PixelreduceError } from '../../errors.js'
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
      /** Records of the input, where that is known beforehand. */
      records: number | undefined
      bytes: number
      left: Record<string, number>
    }
  | {
      type: 'progress'
      read: number
      records: number | undefined
      bytesIn: number
      bytes: number
      bad: number
      tasksDone: number
      tasks: number
    }
  | { type: 'task-failed'; taskId: string; attempt: number; error: PixelreduceError; again: boolean }

/** What a job that succeeded was. */
export interface JobResult {
  jobId: string
  job: string
  /** URI of the output. */
  output: string
  ledger: Ledger
  counters: SuccessFile['counters']
  parts: SuccessPart[]
  quarantine: SuccessPart[]
  /** The first few records that were set aside or skipped. */
  badRecords: BadRecord[]
  /** Files that were left because they are no pictures by their extension, counted by it. */
  left: Record<string, number>
  elapsedMs: number
}
