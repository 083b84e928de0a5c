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
  /** Of the newest driver; 0 while there was none. An earlier one changes nothing more here. */
  epoch: number
  /** Why it was asked to end; missing while nobody has. */
  kill?: string
  /** Why it ended, where no driver has begun it and there is no history to tell; and the name of the error. */
  why?: string
  whyName?: string
}

/** Records of ended jobs that are kept, and for how long. */
const KEPT_JOBS = 1000
const KEPT_SECONDS = 7 * 24 * 60 * 60

/*
 * What Redis knows of a job is changed by one script each, for a driver may be stopped between any two commands
 * and go on when another one has long taken its place: its word counts only while no later driver has spoken.
 */

/*
 * Makes a job known, or known again: where there is no record, an incomplete one, or one of an earlier driver.
 *
 *   KEYS[1]    the job's record
 *   KEYS[2]    jobs that have not ended
 *   ARGV[1]    id of the job
 *   ARGV[2]    epoch of the driver that says so, 0 for a client
 *   ARGV[3..]  names and values
 *
 *   returns    1 when it was written
 */
const REGISTER = `
if redis.call('HEXISTS', KEYS[1], 'folder') == 1 then
  local state = redis.call('HGET', KEYS[1], 'state')
  if state == 'succeeded' or state == 'failed' or state == 'killed' then return 0 end
  redis.call('SADD', KEYS[2], ARGV[1])
  if tonumber(redis.call('HGET', KEYS[1], 'epoch')) >= tonumber(ARGV[2]) then return 0 end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('SADD', KEYS[2], ARGV[1])
return 1`

/*
 * Makes a job that has ended one that has not, under a driver to come.
 *
 *   KEYS[1..3]  the job's record, jobs that have not ended, jobs that have
 *   ARGV[1]     id of the job
 */
const REVIVE = `
redis.call('HSET', KEYS[1], 'state', 'submitted')
redis.call('HDEL', KEYS[1], 'kill', 'why', 'whyName')
redis.call('PERSIST', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])`

/*
 * Changes fields of a job that has not ended.
 *
 *   KEYS[1]    the job's record
 *   ARGV[1]    epoch of the driver that says so
 *   ARGV[2..]  names and values
 *
 *   returns    1 when they were written, 0 when a later driver has the job, it has ended or is not known
 */
const CHANGE = `
if redis.call('HEXISTS', KEYS[1], 'folder') == 0 then return 0 end
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'succeeded' or state == 'failed' or state == 'killed' then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'epoch')) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1`

/*
 * Moves a job to those that have ended.
 *
 *   KEYS[1..4]  the job's record, jobs that have not ended, jobs that have, the job's lease
 *   ARGV[1]     id of the job
 *   ARGV[2]     epoch of the driver that says so
 *   ARGV[3..4]  seconds for which records are kept, and how many of them
 *   ARGV[5..]   names and values
 *
 *   returns     1 when it has ended so, 0 when a later driver has the job or it had ended before
 */
const END = `
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'succeeded' or state == 'failed' or state == 'killed' then
  redis.call('SREM', KEYS[2], ARGV[1])
  return 0
end
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and tonumber(epoch) > tonumber(ARGV[2]) then return 0 end
local now = tonumber(redis.call('TIME')[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -tonumber(ARGV[4]) - 1)
redis.call('ZREMRANGEBYSCORE', KEYS[3], 0, now - tonumber(ARGV[3]))
redis.call('EXPIRE', KEYS[3], ARGV[3])
redis.call('DEL', KEYS[4])
return 1`

/** Makes a job known to the fleet, or known again to a Redis that has lost it; what others know better stays. */
export async function registerJob(redis: Redis, keys: FleetKeys, record: JobRecord): Promise<void> {
  const { jobId, epoch } = record
  await redis.eval(REGISTER, 2, keys.job(jobId), keys.jobs, jobId, epoch, ...fields(record))
}

/** Lets the fleet go on with a job that it has given up. */
export async function reviveJob(redis: Redis, keys: FleetKeys, jobId: string): Promise<void> {
  await redis.eval(REVIVE, 3, keys.job(jobId), keys.jobs, keys.ended, jobId)
}

/** @param epoch of the driver that says so, or the newest that is known @returns false where it counts no more */
export async function changeJob(
  redis: Redis,
  keys: FleetKeys,
  { jobId, epoch }: Pick<JobRecord, 'jobId' | 'epoch'>,
  change: Partial<JobRecord>,
): Promise<boolean> {
  return (await redis.eval(CHANGE, 1, keys.job(jobId), epoch, ...fields(change))) === 1
}

/** Moves a job to those that have ended. @returns false where another driver's word counts */
export async function endJob(
  redis: Redis,
  keys: FleetKeys,
  { jobId, epoch }: Pick<JobRecord, 'jobId' | 'epoch'>,
  end: Pick<JobRecord, 'state' | 'why' | 'whyName'>,
): Promise<boolean> {
  const ended = await redis.eval(
    END,
    4,
    keys.job(jobId),
    keys.jobs,
    keys.ended,
    keys.lease(jobId),
    jobId,
    epoch,
    KEPT_SECONDS,
    KEPT_JOBS,
    ...fields(end),
  )
  return ended === 1
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

/** Names and values in turn. */
function fields(record: Partial<JobRecord>): string[] {
  return Object.entries(record).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]))
}
