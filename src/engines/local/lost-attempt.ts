import { ProcessLostError, TimeoutError } from '../../errors.js'
import type { LostAttempt, RunningRecord } from '../../mapreduce/task/task.js'
import { inWords, recordTimeoutReason } from '../../mapreduce/task/time-limits.js'

/*
 * The errors of attempts that were ended from outside. What is said of a record in `lost` is stored in the
 * quarantine: it must be the same whichever attempt found it.
 */

interface AttemptName {
  taskId: string
  attempt: number
}

export function processLost(
  { taskId, attempt }: AttemptName,
  how: string,
  running: readonly RunningRecord[],
): ProcessLostError {
  return new ProcessLostError(
    `Cannot finish attempt ${attempt} of task ${taskId}: its process died (${how})${at(running)}`,
    { retriable: true, details: lost(`the process died (${how}) while it was mapped`, false) },
  )
}

/** @param runner what was ended: of a thread that several tasks share it is not known which one blocked it */
export function taskTimeout(
  { taskId, attempt }: AttemptName,
  limitMs: number,
  running: readonly RunningRecord[],
  runner: 'process' | 'thread',
): TimeoutError {
  const limit = `${inWords(limitMs)}, which --task-timeout allows`
  const advice = runner === 'process' ? '' : '; with --isolation process a record that hangs is set aside'
  return new TimeoutError(
    `Cannot finish attempt ${attempt} of task ${taskId}: it made no progress for ${limit}${at(running)}${advice}`,
    {
      retriable: true,
      details:
        runner === 'process'
          ? lost(`there was no progress for ${limit}`, false)
          : { limit: 'task-timeout', limitMs },
    },
  )
}

export function recordTimeout(
  { taskId, attempt }: AttemptName,
  limitMs: number,
  running: readonly RunningRecord[],
): TimeoutError {
  const reason = recordTimeoutReason(limitMs)
  return new TimeoutError(
    `Cannot finish attempt ${attempt} of task ${taskId}: a record was late, ${reason}${at(running)}`,
    { retriable: true, details: lost(reason, true) },
  )
}

function lost(reason: string, isRecord: boolean): LostAttempt {
  return { lost: reason, isRecord }
}

function at(running: readonly RunningRecord[]): string {
  if (running.length === 0) return ''
  return `; it was at ${running.map(({ key }) => JSON.stringify(key)).join(', ')}`
}
