import type { ErrorJson } from '../../errors.js'
import type { TaskProgress, TaskReport } from '../../mapreduce/task/task.js'

/** What each thread is started with. */
export interface WorkerData {
  /** See shared-memory-budget.ts. */
  budget: SharedArrayBuffer
  /** See shared-decode-gate.ts. */
  gate: SharedArrayBuffer
}

/** How an attempt ended. */
export type TaskOutcome = { report: TaskReport } | { error: ErrorJson }

/** What a thread posts: once that it is ready, with its thread's number, then how its tasks get on. */
export type WorkerMessage = { ready: number } | { progress: TaskProgress }
