import type { Isolation } from '../../mapreduce/driver/options.js'
import type { JobSpec, TaskProgress, TaskSpec } from '../../mapreduce/task/task.js'
import type { TaskOutcome } from '../local/thread-protocol.js'

/** The spec of an attempt without what is the same for all of its job's. */
export type SpecOfJob = Omit<TaskSpec, 'job'>

/** What a worker sends to a runner. */
export type RunnerOrder =
  /** Once, before the first attempt. */
  | { type: 'open'; isolation: Isolation; memoryBytes: number }
  /** What all specs of an epoch share, before the first of them. */
  | { type: 'job'; job: JobSpec }
  | { type: 'run'; attempt: string; spec: SpecOfJob }
  | { type: 'give-up'; attempt: string }

/** What a runner sends to its worker. */
export type RunnerMessage =
  | { type: 'progress'; attempt: string; progress: TaskProgress }
  | { type: 'outcome'; attempt: string; outcome: TaskOutcome }
