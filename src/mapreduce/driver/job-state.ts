import { PixelreduceError } from '../../errors.js'

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

const transitions: Record<JobState, readonly JobState[]> = {
  submitted: ['planning', 'failed', 'killed'],
  planning: ['mapping', 'failed', 'killed'],
  mapping: ['reducing', 'committing', 'failed', 'killed'],
  reducing: ['committing', 'failed', 'killed'],
  committing: ['succeeded', 'failed', 'killed'],
  succeeded: [],
  failed: [],
  killed: [],
}

/** The state after `from`. @throws PixelreduceError when no transition leads there. */
export function nextState(from: JobState, to: JobState): JobState {
  if (transitions[from].includes(to)) return to
  throw new PixelreduceError(`Cannot move the job to ${to}: it is ${from}`)
}
