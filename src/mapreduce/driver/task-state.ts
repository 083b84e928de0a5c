import { type Transitions, transition } from './transition.js'

/** Where a task stands. */
export type TaskState =
  /** For a slot. */
  | 'waiting'
  /** In one attempt, or in two while the first is slow. */
  | 'running'
  /** Between an attempt that failed and the next one. */
  | 'backing-off'
  | 'succeeded'
  | 'failed'
  | 'killed'

/** Where an attempt at a task stands. */
export type AttemptState =
  /** The engine has it, or will begin it when a slot is free. */
  | 'running'
  /** It, or another driver's, has committed the task. */
  | 'succeeded'
  /** Through its own fault: it counts. */
  | 'failed'
  /** Through no fault of its own: another one was first, or the job ended. */
  | 'killed'

const taskTransitions: Transitions<TaskState> = {
  waiting: ['running', 'killed'],
  running: ['backing-off', 'succeeded', 'failed', 'killed'],
  'backing-off': ['waiting', 'killed'],
  succeeded: [],
  failed: [],
  killed: [],
}

const attemptTransitions: Transitions<AttemptState> = {
  running: ['succeeded', 'failed', 'killed'],
  succeeded: [],
  failed: [],
  killed: [],
}

/** The state after `from`. @throws PixelreduceError when no transition leads there. */
export function nextTaskState(from: TaskState, to: TaskState): TaskState {
  return transition('task', taskTransitions, from, to)
}

/** The state after `from`. @throws PixelreduceError when no transition leads there. */
export function nextAttemptState(from: AttemptState, to: AttemptState): AttemptState {
  return transition('attempt', attemptTransitions, from, to)
}
