import type { JobState } from '../driver/job-state.js'
import type { Ledger } from '../ledger.js'
import { type DriverProcess, isRunning } from './driver-process.js'
import type { HistoryEvent, HistoryEventOf } from './history-event.js'

/** How a job stands, by its history. */
export interface JobSummary {
  jobId: string
  job: string
  /** `lost`: its driver is gone and has not told of an end. */
  state: JobState | 'lost'
  submitted: string
  /** When it ended; of a lost one when it was last heard of. */
  ended?: string
  elapsedMs: number
  ledger?: Ledger
  inputs: string[]
  output: string
  driver: DriverProcess
}

const ENDS = new Set(['succeeded', 'failed', 'killed'])

/**
 * @param events all of a job's events, or the first and the last few
 * @returns undefined where the first is missing
 */
export function summarize(events: readonly HistoryEvent[], now: Date): JobSummary | undefined {
  // A job that was resumed has been submitted again.
  const submitted = events.findLast((event) => event.type === 'submitted')
  const first = events.find((event) => event.type === 'submitted')
  if (!submitted || !first) return undefined
  const last = events.findLast((event) => event.type === 'state')
  const end = endOf(events)
  const isLost = !end && isRunning(submitted.driver) === false
  const endTime = end?.time ?? (isLost ? events.at(-1)!.time : undefined)
  return {
    jobId: submitted.jobId,
    job: submitted.job,
    state: isLost ? 'lost' : (end?.type ?? last?.state ?? 'submitted'),
    submitted: first.time,
    ...(endTime === undefined ? {} : { ended: endTime }),
    elapsedMs: (endTime === undefined ? now : new Date(endTime)).getTime() - new Date(first.time).getTime(),
    ...(end?.type === 'succeeded' ? { ledger: end.ledger } : {}),
    inputs: submitted.inputs,
    output: submitted.output,
    driver: submitted.driver,
  }
}

/** The event that ended the job, unless it was submitted again after it. */
export function endOf(
  events: readonly HistoryEvent[],
): HistoryEventOf<'succeeded'> | HistoryEventOf<'failed'> | HistoryEventOf<'killed'> | undefined {
  const last = events.findLast(({ type }) => ENDS.has(type) || type === 'submitted')
  return last && ENDS.has(last.type) ? (last as never) : undefined
}
