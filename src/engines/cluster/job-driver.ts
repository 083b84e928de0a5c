import { hostname } from 'node:os'
import type { Redis } from 'ioredis'
import { HandedOverError, NotFoundError } from '../../errors.js'
import { resolveUri } from '../../fs/resolve.js'
import type { JobEvent } from '../../mapreduce/driver/events.js'
import { driveJob } from '../../mapreduce/driver/job-run.js'
import { readPlan } from '../../mapreduce/driver/resume.js'
import { readSuccess } from '../../mapreduce/output/success-file.js'
import { ClusterExecutor } from './cluster-executor.js'
import { tellWorkers } from './control-message.js'
import type { DriverLease } from './driver-lease.js'
import type { FleetKeys } from './fleet-keys.js'
import { changeJob, endJob, type JobRecord, registerJob } from './job-record.js'
import { mayBeNodes } from './node-trouble.js'
import { openSubmittedJob, readSubmission, type Submission } from './submission.js'
import { requireVisiblePlaces } from './visible-places.js'
import { liveWorkers, whyRefused } from './worker-record.js'

/** What a driver needs of the worker that it runs on. */
export interface DriverSurroundings {
  redis: Redis
  keys: FleetKeys
  workerId: string
  secret: string | undefined
  /** The right to drive the job, which is the worker's now. */
  lease: DriverLease
  /** A connection of its own that listens. */
  openListener(): Redis
}

/** Least time between two words about a job's progress. */
const TELL_MS = 100

/** Drivers that may have trouble with a job one after the other, before that is taken for the job's own. */
const MOST_DRIVERS = 4

/**
 * Drives a submitted job to its end, or goes on with it where another driver has left it. Its end stands in Redis
 * when this returns.
 *
 * @param abort fires with a HandedOverError when another driver shall go on, else to kill the job
 * @throws what keeps this worker from driving it, and another one perhaps not.
 */
export async function driveSubmitted(
  record: JobRecord,
  around: DriverSurroundings,
  abort: AbortController,
): Promise<void> {
  const { redis, keys, secret, lease } = around
  const { signal } = abort
  const { jobId } = record
  const submission = await submissionOf(record)
  if (submission === undefined) return
  const listener = around.openListener()
  let executor: ClusterExecutor | undefined
  let current = record
  let hasEnded = false
  lease.keep(keepRegistered, () =>
    abort.abort(handedOver(around.workerId, 'another worker has taken it over')),
  )
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
        async onEpoch(epoch) {
          current = { ...current, epoch }
          await keepRegistered()
          await executor!.openQueues(epoch)
          await tellWorkers(redis, keys, { type: 'job', jobId })
        },
        handsOver: (error, epoch) => epoch < MOST_DRIVERS && mayBeNodes(error),
      },
      executor,
      signal,
      progressTeller(),
    )
    await finish('succeeded')
  } catch (error) {
    const { reason } = signal
    // The job is another driver's now, or shall be, and what becomes of it is that one's to say.
    if (reason instanceof HandedOverError) return
    if (error instanceof HandedOverError || !executor) throw error
    // What was thrown stands in the history: its words may hold names of the user's.
    await finish(signal.aborted ? 'killed' : 'failed')
  } finally {
    await executor?.close()
    listener.disconnect()
  }

  async function finish(state: JobRecord['state']): Promise<void> {
    await executor!.close()
    hasEnded = true
    await endSubmitted(current, { state }, around)
  }

  /** A driver that was killed at the very end may have done everything but say so. */
  async function submissionOf({ folder, output }: JobRecord): Promise<Submission | undefined> {
    try {
      return await readSubmission(resolveUri(folder), jobId, secret)
    } catch (error) {
      const success = error instanceof NotFoundError ? await readSuccess(resolveUri(output)) : undefined
      if (success?.jobId !== jobId) throw error
      await endSubmitted(record, { state: 'succeeded' }, around)
      return undefined
    }
  }

  /** Redis may have lost the job, or know it as it was under an earlier driver. */
  async function keepRegistered(): Promise<void> {
    if (!hasEnded) await registerJob(redis, keys, current)
  }

  function progressTeller(): (event: JobEvent) => void {
    let toldMs = 0
    return (event) => {
      if (event.type === 'state') {
        current = { ...current, state: event.state }
        // The end is told when all is done.
        if (event.state !== 'succeeded' && event.state !== 'failed' && event.state !== 'killed') {
          void changeJob(redis, keys, current, { state: event.state }).catch(() => {})
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

/** Says that a job has ended, to Redis and to all who listen. */
export async function endSubmitted(
  record: JobRecord,
  how: Pick<JobRecord, 'state' | 'why' | 'whyName'>,
  { redis, keys }: Pick<DriverSurroundings, 'redis' | 'keys'>,
): Promise<void> {
  const { jobId } = record
  await registerJob(redis, keys, record)
  if (!(await endJob(redis, keys, record, how))) return
  await redis.publish(keys.progress(jobId), JSON.stringify({ type: 'state', state: how.state }))
  await tellWorkers(redis, keys, { type: 'ended', jobId })
}

/** Why a job was handed over, for its history. */
export function handedOver(workerId: string, why: string): HandedOverError {
  return new HandedOverError(`Worker ${workerId} on ${hostname()} has handed the job over: ${why}`)
}
