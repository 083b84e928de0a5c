import type { Isolation } from '../../mapreduce/driver/options.js'
import type { TaskProgress, TaskSpec } from '../../mapreduce/task/task.js'
import type { TaskOutcome } from '../local/thread-protocol.js'

/** What a worker sends to a runner. */
export type RunnerOrder =
  /** Once, before the first attempt. */
  | { type: 'open'; isolation: Isolation; memoryBytes: number }
  | { type: 'run'; attempt: string; spec: TaskSpec }
  | { type: 'give-up'; attempt: string }

/** What a runner sends to its worker. */
export type RunnerMessage =
  | { type: 'progress'; attempt: string; progress: TaskProgress }
  | { type: 'outcome'; attempt: string; outcome: TaskOutcome }
