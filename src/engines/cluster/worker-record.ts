import type { Redis } from 'ioredis'
import type { FleetKeys } from './fleet-keys.js'
import { PATIENCE_MS } from './patience.js'

/** What a worker tells of itself, as often as it shows that it lives. */
export interface WorkerRecord {
  workerId: string
  /** The names that block locations may know its host by, the main one first. */
  hosts: string[]
  pid: number
  /** Tasks that it works on at once. */
  threads: number
  versions: WorkerVersions
  /** Milliseconds since 1970, by the worker's own clock. */
  startedMs: number
  /** Whether it takes nothing more and ends when its attempts have. */
  isDraining: boolean
  memory: { totalBytes: number; availableBytes: number; ownBytes: number }
  /** What it works on now. */
  running: { jobId: string; attempt: string; seconds: number }[]
  /** Jobs that it drives. */
  driving: string[]
  /** Jobs that it can't work for, and why. */
  refused: Record<string, string>
  /** Those of them that will not be otherwise: they are not signed, or their folder is not to be seen. */
  refusedForGood: string[]
  /** Records read in the last seconds, for each of them. */
  recordsPerSecond: number
  /** Attempts that it has ended since it started. */
  attempts: { done: number; failed: number }
}

/** What must be alike for the same bytes to come out. */
export interface WorkerVersions {
  pixelreduce: string
  node: string
  sharp: string
}

export async function tellWorker(redis: Redis, keys: FleetKeys, record: WorkerRecord): Promise<void> {
  await redis
    .multi()
    .set(keys.worker(record.workerId), JSON.stringify(record), 'PX', PATIENCE_MS)
    .sadd(keys.workers, record.workerId)
    .exec()
}

export async function forgetWorker(redis: Redis, keys: FleetKeys, workerId: string): Promise<void> {
  await redis.multi().del(keys.worker(workerId)).srem(keys.workers, workerId).exec()
}

/** The workers that live, in the order of their hosts. */
export async function liveWorkers(redis: Redis, keys: FleetKeys): Promise<WorkerRecord[]> {
  const ids = await redis.smembers(keys.workers)
  if (ids.length === 0) return []
  const texts = await redis.mget(ids.map((id) => keys.worker(id)))
  const gone = ids.filter((_, at) => texts[at] === null)
  if (gone.length > 0) await redis.srem(keys.workers, ...gone)
  return texts
    .flatMap((text) => (text == null ? [] : [JSON.parse(text) as WorkerRecord]))
    .sort((a, b) => (a.hosts[0]! + a.workerId < b.hosts[0]! + b.workerId ? -1 : 1))
}

/** Why a worker can't work for a job of these versions; undefined where it can. */
export function whyRefused(own: WorkerVersions, job: WorkerVersions): string | undefined {
  const major = (version: string) => version.split('.')[0]
  if (major(own.pixelreduce) !== major(job.pixelreduce)) {
    return `it runs pixelreduce ${own.pixelreduce}, the job was submitted by ${job.pixelreduce}`
  }
  if (major(own.node) !== major(job.node)) {
    return `it runs Node ${own.node}, the job was submitted from ${job.node}; other majors may write other bytes`
  }
  if (own.sharp !== job.sharp) {
    return `it has sharp ${own.sharp}, the job was submitted with ${job.sharp}; another version may write other bytes`
  }
  return undefined
}
