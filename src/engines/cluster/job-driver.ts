import { hostname } from 'node:os'
import type { Redis } from 'ioredis'
import {
  AuthenticationError,
  describeError,
  HandedOverError,
  NotFoundError,
  PixelreduceError,
} from '../../errors.js'
import { resolveUri } from '../../fs/resolve.js'
import type { JobEvent } from '../../mapreduce/driver/events.js'
import { driveJob } from '../../mapreduce/driver/job-run.js'
import { readPlan } from '../../mapreduce/driver/resume.js'
import { readSuccess } from '../../mapreduce/output/success-file.js'
import { ClusterExecutor } from './cluster-executor.js'
import { tellWorkers } from './control-message.js'
import type { FleetKeys } from './fleet-keys.js'
import { changeJob, endJob, type JobRecord, registerJob } from './job-record.js'
import { openSubmittedJob, readSubmission, type Submission } from './submission.js'
import { requireVisiblePlaces } from './visible-places.js'
import { liveWorkers, whyRefused } from './worker-record.js'

/** What a driver needs of the worker that it runs on. */
export interface DriverSurroundings {
  redis: Redis
  keys: FleetKeys
  workerId: string
  secret: string | undefined
  /** A connection of its own that listens. */
  openListener(): Redis
}

/** Least time between two words about a job's progress. */
const TELL_MS = 100

/** How often a Redis that has forgotten the job is told of it again. */
const REGISTER_MS = 1000

/**
 * Drives a submitted job to its end, or goes on with it where another driver has left it. Its end stands in Redis
 * when this returns.
 *
 * @param signal fires with a HandedOverError when another driver shall go on, else to kill the job
 * @throws what keeps this worker from driving it, and another one perhaps not.
 */
export async function driveSubmitted(
  record: JobRecord,
  around: DriverSurroundings,
  signal: AbortSignal,
): Promise<void> {
  const { redis, keys, secret } = around
  const { jobId } = record
  let submission: Submission
  try {
    submission = await readSubmission(resolveUri(record.folder), secret)
  } catch (error) {
    if (error instanceof AuthenticationError) {
      return end({ state: 'failed', why: describeError(error) })
    }
    if (!(error instanceof NotFoundError)) throw error
    return endWithoutFolder(error)
  }
  const listener = around.openListener()
  let executor: ClusterExecutor | undefined
  const keeping = setInterval(() => void keepRegistered().catch(() => {}), REGISTER_MS)
  let current = record
  try {
    const jobFolder = resolveUri(submission.folder)
    const { version, maxWorkers, inputs, parents } = submission
    const opened = await openSubmittedJob(submission)
    const earlier = await readPlan(jobFolder)
    executor = await ClusterExecutor.open({
      redis,
      listener,
      keys,
      jobId,
      versions: version,
      secret,
      ...(maxWorkers === undefined ? {} : { maxWorkers }),
    })
    await driveJob(
      {
        jobId,
        opened,
        params: submission.params,
        inputs,
        output: resolveUri(submission.output),
        jobFolder,
        folderParents: parents,
        options: submission.options,
        version,
        history: resolveUri(submission.history),
        client: { user: submission.user, host: submission.host },
        async beforePlanning() {
          const workers = await liveWorkers(redis, keys)
          const able = workers.filter(({ versions }) => whyRefused(versions, version) === undefined)
          await requireVisiblePlaces({ redis, listener, keys }, jobFolder, inputs, able)
        },
        ...(earlier ? { earlier } : {}),
      },
      executor,
      signal,
      progressTeller(),
    )
    await finish('succeeded')
  } catch (error) {
    if (signal.aborted && signal.reason instanceof HandedOverError) {
      await executor?.leave()
      return
    }
    if (!(error instanceof PixelreduceError)) throw error
    await finish(signal.aborted ? 'killed' : 'failed', describeError(error))
  } finally {
    clearInterval(keeping)
    listener.disconnect()
  }

  async function finish(state: JobRecord['state'], why?: string): Promise<void> {
    clearInterval(keeping)
    // What was thrown stands in the history, whose words may hold names of the user's.
    void why
    await executor?.close()
    await end({ state })
  }

  async function end(how: Pick<JobRecord, 'state' | 'why'>): Promise<void> {
    await registerJob(redis, keys, { ...current, ...how })
    await endJob(redis, keys, jobId, how)
    await redis.publish(keys.progress(jobId), JSON.stringify({ type: 'state', state: how.state }))
    await tellWorkers(redis, keys, { type: 'ended', jobId })
  }

  /** A driver that was killed at the very end may have done everything but say so. */
  async function endWithoutFolder(error: NotFoundError): Promise<void> {
    const success = await readSuccess(resolveUri(record.output))
    if (success?.jobId === jobId) return end({ state: 'succeeded' })
    return end({ state: 'failed', why: describeError(error) })
  }

  async function keepRegistered(): Promise<void> {
    if ((await redis.exists(keys.job(jobId))) === 0) await registerJob(redis, keys, current)
  }

  function progressTeller(): (event: JobEvent) => void {
    let toldMs = 0
    return (event) => {
      if (event.type === 'state') {
        current = { ...current, state: event.state }
        // The end is told when all is done.
        if (event.state !== 'succeeded' && event.state !== 'failed' && event.state !== 'killed') {
          void changeJob(redis, keys, jobId, { state: event.state }).catch(() => {})
        }
        return
      }
      if (event.type !== 'progress') return
      const nowMs = performance.now()
      if (nowMs - toldMs < TELL_MS && event.tasksDone < event.tasks) return
      toldMs = nowMs
      void redis.publish(keys.progress(jobId), JSON.stringify(event)).catch(() => {})
    }
  }
}

/** Why a job was handed over, for its history. */
export function handedOver(workerId: string, why: string): HandedOverError {
  return new HandedOverError(`Worker ${workerId} on ${hostname()} has handed the job over: ${why}`)
}
