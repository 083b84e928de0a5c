import type { Redis } from 'ioredis'
import type { JobState } from '../../mapreduce/driver/job-state.js'
import type { FleetKeys } from './fleet-keys.js'

/** What Redis knows of a job. Its data lie in the job's folder. */
export interface JobRecord {
  jobId: string
  /** The job's name. */
  job: string
  /** URI of the job's folder, with its submission. */
  folder: string
  /** URI of the output. */
  output: string
  /** URI of the folder that its history lies in. */
  history: string
  user: string
  /** By the client's clock, ISO 8601. */
  submitted: string
  state: JobState
  /** Share of the fleet that it gets beside others. */
  priority: number
  /** Of the driver that is at work; 0 while none is. */
  epoch: number
  /** Why it was asked to end; missing while nobody has. */
  kill?: string
  /** Why it ended, where there is no history to tell. */
  why?: string
}

/** Records of ended jobs that are kept, and for how long. */
const KEPT_JOBS = 1000
const KEPT_SECONDS = 7 * 24 * 60 * 60

/** Makes a job known to the fleet, or known again to a Redis that has lost it. */
export async function registerJob(redis: Redis, keys: FleetKeys, record: JobRecord): Promise<void> {
  await redis.multi().hset(keys.job(record.jobId), fields(record)).sadd(keys.jobs, record.jobId).exec()
}

export async function changeJob(
  redis: Redis,
  keys: FleetKeys,
  jobId: string,
  change: Partial<JobRecord>,
): Promise<void> {
  await redis.hset(keys.job(jobId), fields(change))
}

/** Moves a job to those that have ended. */
export async function endJob(
  redis: Redis,
  keys: FleetKeys,
  jobId: string,
  end: Pick<JobRecord, 'state' | 'why'>,
): Promise<void> {
  const [seconds] = await redis.time()
  await redis
    .multi()
    .hset(keys.job(jobId), fields(end))
    .expire(keys.job(jobId), KEPT_SECONDS)
    .srem(keys.jobs, jobId)
    .zadd(keys.ended, Number(seconds), jobId)
    .zremrangebyrank(keys.ended, 0, -KEPT_JOBS - 1)
    .zremrangebyscore(keys.ended, '0', String(Number(seconds) - KEPT_SECONDS))
    .expire(keys.ended, KEPT_SECONDS)
    .del(keys.lease(jobId))
    .exec()
}

/** Undefined where Redis does not know the job. */
export async function readJob(redis: Redis, keys: FleetKeys, jobId: string): Promise<JobRecord | undefined> {
  const hash = await redis.hgetall(keys.job(jobId))
  // What is left of a record whose beginning was lost with Redis is none.
  if (hash.folder === undefined) return undefined
  return { ...hash, jobId, priority: Number(hash.priority), epoch: Number(hash.epoch) } as JobRecord
}

/** Of the jobs that have not ended, in the order of their ids, which is that of their submission. */
export async function activeJobIds(redis: Redis, keys: FleetKeys): Promise<string[]> {
  return (await redis.smembers(keys.jobs)).sort()
}

export async function endedJobIds(redis: Redis, keys: FleetKeys): Promise<string[]> {
  return redis.zrange(keys.ended, '0', '-1')
}

export function hasEnded({ state }: Pick<JobRecord, 'state'>): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'killed'
}

function fields(record: Partial<JobRecord>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}
