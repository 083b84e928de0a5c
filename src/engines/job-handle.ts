import { type Location, uriOf } from '../fs/resolve.js'
import type { JobEvent, JobResult } from '../mapreduce/driver/events.js'
import { jobResult } from '../mapreduce/driver/job-result.js'
import { removeLeftovers } from '../mapreduce/driver/resume.js'
import type { SuccessFile } from '../mapreduce/output/success-file.js'
import { EventLog } from './event-log.js'

/** A job that is running. */
export interface JobHandle {
  readonly jobId: string
  /** URI of the output to come. */
  readonly output: string
  /** Settles when the job has ended and cleaned up: with its result, or with what ended it. */
  readonly done: Promise<JobResult>
  /** What the job tells, from now on until it ends. */
  readonly progress: AsyncIterable<JobEvent>
  /** Ends the job; `done` rejects with a KilledError once nothing of it is left. */
  kill(reason?: string): void
}

/** A job that an earlier run has finished. */
export async function finishedJob(output: Location, success: SuccessFile): Promise<JobHandle> {
  await removeLeftovers(output, success.jobId)
  const progress = new EventLog<JobEvent>()
  progress.push({ type: 'state', state: 'succeeded' })
  progress.end()
  return {
    jobId: success.jobId,
    output: uriOf(output),
    done: Promise.resolve(jobResult(output, success, Date.now())),
    progress,
    kill() {},
  }
}
