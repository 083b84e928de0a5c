import { errorFromJson, KilledError, NotFoundError, TaskFailedError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import { resolveUri } from '../../fs/resolve.js'
import type { JobEvent, JobResult } from '../../mapreduce/driver/events.js'
import { jobResult } from '../../mapreduce/driver/job-result.js'
import type { HistoryEvent } from '../../mapreduce/history/history-event.js'
import { HistoryTail } from '../../mapreduce/history/history-tail.js'
import { endOf } from '../../mapreduce/history/job-summary.js'
import { readSuccess } from '../../mapreduce/output/success-file.js'
import { EventLog } from '../event-log.js'
import type { Fleet } from './fleet.js'
import { endJob, hasEnded, type JobRecord, registerJob } from './job-record.js'
import { UNKNOWN_MS } from './patience.js'
import { removeUnbegun } from './unbegun-job.js'

/** A job of a fleet that is being watched. */
export interface FollowedJob {
  /** Settles when the job has ended: with its result, or with what ended it. */
  readonly done: Promise<JobResult>
  readonly progress: AsyncIterable<JobEvent>
}

/** How often the job's history and state are looked at. */
const LOOK_MS = 250

/** When a job that nobody begins is spoken of, and how often then. */
const FIRST_WAITING_MS = 3000
const WAITING_MS = 30_000

/**
 * Tells what happens to a job of a fleet until it ends: its history as it grows, and its progress as its driver
 * tells it. Redis may go away meanwhile, and come back without knowing of the job.
 */
export function followJob(fleet: Fleet, record: JobRecord): FollowedJob {
  const events = new EventLog<JobEvent>()
  const done = follow(fleet, record, (event) => events.push(event)).finally(() => events.end())
  // A caller who only follows `progress` must not be ended by the failure that it is about to read of.
  done.catch(() => {})
  return { done, progress: events }
}

async function follow(fleet: Fleet, record: JobRecord, tell: (event: JobEvent) => void): Promise<JobResult> {
  const { keys, redis } = fleet
  const { jobId } = record
  const startMs = Date.parse(record.submitted)
  const tail = new HistoryTail({ folder: resolveUri(record.history), jobId })
  const all: HistoryEvent[] = []
  const listener = fleet.listen()
  let wake = () => {}
  let knownMs = performance.now()
  let sayMs = knownMs + FIRST_WAITING_MS
  try {
    listener.on('message', (channel: string, text: string) => {
      if (channel !== keys.progress(jobId)) return
      const event = JSON.parse(text) as JobEvent
      if (event.type === 'progress') tell(event)
      else wake()
    })
    void listener.subscribe(keys.progress(jobId)).catch(() => {})
    for (;;) {
      const before = redis.status === 'ready' ? await fleet.job(jobId) : undefined
      for (const event of await tail.next()) {
        all.push(event)
        tell(
          'error' in event
            ? ({ ...event, error: errorFromJson(event.error) } as JobEvent)
            : (event as JobEvent),
        )
      }
      if (before && hasEnded(before)) return await resultOf(before, all, startMs)
      if (before && all.length === 0 && performance.now() >= sayMs) {
        sayMs = performance.now() + WAITING_MS
        tell({ type: 'waiting', why: await whyWaiting(fleet, jobId) })
      }
      if (before || redis.status !== 'ready') knownMs = performance.now()
      // Longer than its driver would have taken.
      if (performance.now() - knownMs > 2 * UNKNOWN_MS) await registerAgain(record)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  } finally {
    listener.disconnect()
  }

  /** Redis has come back empty, and no driver is left that would have told it. */
  async function registerAgain(lost: JobRecord): Promise<void> {
    const isOver = endOf(all) !== undefined || !(await exists(resolveUri(lost.folder)))
    const success = isOver ? await readSuccess(resolveUri(lost.output)) : undefined
    await registerJob(redis, keys, { ...lost, state: 'submitted', epoch: 0 })
    const state = success?.jobId === jobId ? 'succeeded' : 'failed'
    if (isOver) await endJob(redis, keys, { jobId, epoch: 0 }, { state })
  }
}

async function whyWaiting(fleet: Fleet, jobId: string): Promise<string> {
  const workers = await fleet.workers()
  if (workers.length === 0) return 'no worker is there; "pixelreduce worker --redis URI" starts one'
  const refusals = workers.flatMap(({ workerId, refused }) =>
    refused[jobId] === undefined ? [] : [`worker ${workerId} can't work for it: ${refused[jobId]}`],
  )
  return refusals.length === workers.length ? refusals.join('; ') : 'no worker has begun it yet'
}

async function resultOf(
  record: JobRecord,
  events: readonly HistoryEvent[],
  startMs: number,
): Promise<JobResult> {
  const { jobId, state, output, why, whyName: name = 'PixelreduceError' } = record
  const place = resolveUri(output)
  if (state === 'succeeded') {
    const success = await readSuccess(place)
    if (success?.jobId !== jobId) {
      throw new NotFoundError(`Cannot find the output of ${jobId}: ${output} is another's now, or gone`)
    }
    const planned = events.findLast((event) => event.type === 'planned')
    const end = events.findLast((event) => event.type === 'succeeded')
    return {
      ...jobResult(place, success, startMs),
      badRecords: end?.badRecords ?? [],
      left: planned?.left ?? {},
      ...(end ? { elapsedMs: end.elapsedMs } : {}),
    }
  }
  const end = endOf(events)
  if (end && end.type !== 'succeeded') throw errorFromJson(end.error)
  if (why !== undefined) {
    await removeUnbegun(record)
    throw errorFromJson({ name, code: '', message: why, retriable: false })
  }
  if (state === 'killed') throw new KilledError(`Cannot go on with ${jobId}: it was killed`)
  throw new TaskFailedError(`Cannot finish ${jobId}: it has failed`)
}
