import { setMaxListeners } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { errorToJson, FencedError, PixelreduceError, TaskFailedError } from '../../errors.js'
import type { TaskExecutor, TaskProgress, TaskReport, TaskSpec } from '../task/task.js'

/** Errors that the same attempt would meet again. */
const FINAL_CODES = new Set([
  'USAGE',
  'JOB_DEFINITION',
  'FORMAT',
  'TRUNCATED',
  'CHECKSUM',
  'KEY',
  'UNSUPPORTED',
  'MISSING_PACKAGE',
  'BAD_RECORDS',
  'USER_CODE',
  'PERMISSION',
  'STORAGE_FULL',
  'KILLED',
])

/** First wait before another attempt, doubled each time. */
const BACKOFF_MS = 100

export interface StageOptions {
  signal: AbortSignal
  /** @default 4, as in Hadoop */
  maxAttempts?: number
  /** Throwing from here or from `onReport` gives the stage up, with that error. */
  onProgress(progress: TaskProgress): void
  onReport(report: TaskReport): void
  onFailure(failure: { taskId: string; attempt: number; error: PixelreduceError; again: boolean }): void
  /** Removes what an attempt wrote and reads what another one committed. */
  abortAttempt(spec: TaskSpec): Promise<void>
  committedReport(taskId: string): Promise<TaskReport | undefined>
}

/**
 * Runs the tasks of a stage, as many at once as the executor has slots, each in up to `maxAttempts`
 * attempts. Resolves with their reports in the order of the tasks.
 * @throws TaskFailedError when a task failed for good; the others are given up first.
 */
export async function runStage(
  tasks: readonly TaskSpec[],
  executor: TaskExecutor,
  options: StageOptions,
): Promise<TaskReport[]> {
  const reports = new Array<TaskReport>(tasks.length)
  const giveUp = new AbortController()
  const signal = AbortSignal.any([options.signal, giveUp.signal])
  // Each task that waits listens; that is no leak.
  setMaxListeners(0, signal)
  const { maxAttempts = 4 } = options
  let next = 0

  // One more than slots: the next task's spec waits at the executor when a slot comes free.
  const lanes = Math.min(executor.slots + 1, tasks.length)
  await Promise.all(Array.from({ length: lanes }, lane))
  signal.throwIfAborted()
  return reports

  /** Takes one task after the other; a failure makes every lane give up, and the stage throws it. */
  async function lane(): Promise<void> {
    while (next < tasks.length && !signal.aborted) {
      const index = next++
      try {
        reports[index] = await runTask(tasks[index]!)
        options.onReport(reports[index]!)
      } catch (error) {
        giveUp.abort(error)
      }
    }
  }

  function onProgress(progress: TaskProgress): void {
    try {
      options.onProgress(progress)
    } catch (error) {
      giveUp.abort(error)
    }
  }

  async function runTask(task: TaskSpec): Promise<TaskReport> {
    for (let attempt = task.attempt; ; attempt++) {
      const spec = { ...task, attempt }
      try {
        return await executor.run(spec, { signal, onProgress })
      } catch (thrown) {
        if (signal.aborted) throw signal.reason
        if (thrown instanceof FencedError) {
          const winner = await options.committedReport(task.taskId)
          if (winner) return winner
        }
        const error =
          thrown instanceof PixelreduceError
            ? thrown
            : new PixelreduceError(String(thrown), { cause: thrown })
        // Where nothing can be removed nothing can be written either; the job's own clean-up tells why.
        const isRemoved = await options.abortAttempt(spec).then(
          () => true,
          () => false,
        )
        const again = isRemoved && !FINAL_CODES.has(error.code) && attempt + 1 < maxAttempts
        options.onFailure({ taskId: task.taskId, attempt, error, again })
        if (!again) throw failure(task, attempt, error)
        await setTimeout(BACKOFF_MS * 2 ** attempt, undefined, { signal }).catch(() =>
          signal.throwIfAborted(),
        )
      }
    }
  }
}

/** An error that says itself what is wrong with the job or its records needs no task around it. */
function failure(task: TaskSpec, attempt: number, error: PixelreduceError): PixelreduceError {
  if (error.code === 'BAD_RECORDS' || error.code === 'STORAGE_FULL') return error
  const tries = attempt === 0 ? '' : ` in each of ${attempt + 1} attempts`
  return new TaskFailedError(`Cannot finish task ${task.taskId}: it failed${tries}`, {
    cause: error,
    details: { taskId: task.taskId, attempt, code: errorToJson(error).code },
  })
}
