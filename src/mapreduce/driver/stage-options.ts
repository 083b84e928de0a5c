import type { PixelreduceError } from '../../errors.js'
import type { RunningRecord, TaskProgress, TaskReport, TaskSpec } from '../task/task.js'
import type { SpeculationPolicy } from './speculation.js'

/** How a stage's tasks are run, and who is told of it. */
export interface StageOptions {
  signal: AbortSignal
  /** Failed attempts after which a task has failed. @default 4, as in Hadoop */
  maxAttempts?: number
  /** When a second attempt at a slow task is started. @default never */
  speculation?: SpeculationPolicy | undefined
  /** Milliseconds without any progress after which `onQuiet` is told. @default never */
  quietMs?: number
  /** An attempt has begun; its first progress. */
  onBegin?(progress: TaskProgress): void
  /** Throwing from here or from `onReport` gives the stage up, with that error. */
  onProgress(progress: TaskProgress): void
  onReport(report: TaskReport): void
  onFailure(failure: { taskId: string; attempt: number; error: PixelreduceError; again: boolean }): void
  /** An attempt was given up through no fault of its own. */
  onKilled?(attempt: { taskId: string; attempt: number }): void
  /** An attempt went with its worker, or its worker had trouble of its own. */
  onLost?(attempt: { taskId: string; attempt: number; error: PixelreduceError }): void
  onSpeculation?(task: { taskId: string; attempt: number }): void
  onQuiet?(quietMs: number, running: AttemptInWork[]): void
  /** Removes what an attempt wrote; never what was committed. */
  abortAttempt(spec: TaskSpec): Promise<void>
  /** Reads what an attempt, of whomever, has committed. */
  committedReport(taskId: string): Promise<TaskReport | undefined>
}

/** An attempt that is under way, and the records that it is working on as far as they are known. */
export interface AttemptInWork {
  taskId: string
  attempt: number
  running: RunningRecord[]
}

/** Attempts that were begun, and what became of them. */
export interface AttemptCounts {
  launched: number
  failed: number
  killed: number
}

export interface StageResult {
  /** In the order of the tasks. */
  reports: TaskReport[]
  attempts: AttemptCounts
}
