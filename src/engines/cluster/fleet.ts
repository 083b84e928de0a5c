import type { Redis } from 'ioredis'
import { UsageError } from '../../errors.js'
import { tellWorkers } from './control-message.js'
import { FleetKeys } from './fleet-keys.js'
import {
  activeJobIds,
  changeJob,
  endedJobIds,
  endJob,
  hasEnded,
  type JobRecord,
  readJob,
} from './job-record.js'
import { closeRedis, type FleetAddress, openRedis, requireRedis } from './redis.js'
import { removeUnbegun } from './unbegun-job.js'
import { liveWorkers, type WorkerRecord } from './worker-record.js'

/** A fleet as its users see it: its workers and its jobs. */
export class Fleet implements AsyncDisposable {
  readonly keys: FleetKeys

  private constructor(
    readonly address: FleetAddress,
    readonly redis: Redis,
  ) {
    this.keys = new FleetKeys(address.fleet)
  }

  /** @throws ConnectionError when Redis is not there, UsageError when the URI is none. */
  static async connect(address: FleetAddress): Promise<Fleet> {
    const redis = openRedis(address.redis)
    await requireRedis(redis, address.redis)
    return new Fleet(address, redis)
  }

  /** A connection of its own that listens. */
  listen(): Redis {
    return openRedis(this.address.redis)
  }

  workers(): Promise<WorkerRecord[]> {
    return liveWorkers(this.redis, this.keys)
  }

  /** The jobs that run and those that have ended in the last days, the oldest first. */
  async jobs(): Promise<JobRecord[]> {
    const ids = new Set([
      ...(await endedJobIds(this.redis, this.keys)),
      ...(await activeJobIds(this.redis, this.keys)),
    ])
    const records = await Promise.all([...ids].sort().map((id) => readJob(this.redis, this.keys, id)))
    return records.filter((record) => record !== undefined)
  }

  job(jobId: string): Promise<JobRecord | undefined> {
    return readJob(this.redis, this.keys, jobId)
  }

  /** The job whose id this is, or ends so. @throws UsageError when there is none, or several. */
  async findJob(end: string): Promise<JobRecord> {
    const found = (await this.jobs()).filter(({ jobId }) => jobId.endsWith(end))
    if (found.length === 1) return found[0]!
    const which =
      found.length === 0
        ? 'the fleet knows no such job; "pixelreduce jobs list --redis URI" shows those it knows'
        : `the ids of ${found.length} jobs end so`
    throw new UsageError(`Cannot find the job "${end}": ${which}`)
  }

  /** Asks the fleet to end a job; one that nobody has begun ends at once. @throws UsageError when it has ended. */
  async kill({ jobId }: JobRecord, why: string): Promise<void> {
    const record = await this.job(jobId)
    if (!record || hasEnded(record)) {
      throw new UsageError(
        `Cannot kill ${jobId}: it has ended already${record ? `, it is ${record.state}` : ''}`,
      )
    }
    // Whoever drives it now.
    const anyDriver = { jobId, epoch: Number.MAX_SAFE_INTEGER }
    await changeJob(this.redis, this.keys, anyDriver, { kill: why })
    await tellWorkers(this.redis, this.keys, { type: 'kill', jobId })
    const unbegun = { jobId, epoch: 0 }
    const end = {
      state: 'killed',
      why: `Cannot go on with ${jobId}: ${why}`,
      whyName: 'KilledError',
    } as const
    if (!(await endJob(this.redis, this.keys, unbegun, end))) return
    await tellWorkers(this.redis, this.keys, { type: 'ended', jobId })
    await removeUnbegun(record)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return closeRedis(this.redis)
  }
}
