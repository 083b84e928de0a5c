import { type Transitions, transition } from './transition.js'

/** Where a job stands. */
export type JobState =
  | 'submitted'
  | 'planning'
  | 'mapping'
  | 'reducing'
  | 'committing'
  | 'succeeded'
  | 'failed'
  | 'killed'

const transitions: Transitions<JobState> = {
  // From anywhere to the end: another driver of the same job has finished it.
  submitted: ['planning', 'succeeded', 'failed', 'killed'],
  planning: ['mapping', 'succeeded', 'failed', 'killed'],
  mapping: ['reducing', 'committing', 'succeeded', 'failed', 'killed'],
  reducing: ['committing', 'succeeded', 'failed', 'killed'],
  committing: ['succeeded', 'failed', 'killed'],
  succeeded: [],
  failed: [],
  killed: [],
}

/** The state after `from`. @throws PixelreduceError when no transition leads there. */
export function nextState(from: JobState, to: JobState): JobState {
  return transition('job', transitions, from, to)
}
