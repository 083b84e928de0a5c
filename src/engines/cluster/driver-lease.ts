import type { Redis } from 'ioredis'
import type { FleetKeys } from './fleet-keys.js'
import { BEAT_MS, LEASE_MS } from './patience.js'

/*
 * Takes a lease that nobody has, or extends one that is one's own; also where Redis has forgotten it. Of a job
 * that has ended nobody gets it.
 *
 *   KEYS[1]  the lease
 *   KEYS[2]  the job's record
 *   ARGV[1]  id of the worker
 *   ARGV[2]  milliseconds
 *
 *   returns  1 when the lease is the worker's now, 0 when it is another's or the job has ended
 */
const CLAIM = `
local state = redis.call('HGET', KEYS[2], 'state')
if state == 'succeeded' or state == 'failed' or state == 'killed' then return 0 end
local owner = redis.call('GET', KEYS[1])
if owner == false or owner == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0`

/*
 * Lets a lease go that is one's own.
 *
 *   KEYS[1]  the lease
 *   ARGV[1]  id of the worker
 */
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`

/** The right to drive a job, for as long as it is renewed. It keeps two from the same work; fencing is the epochs'. */
export class DriverLease {
  private timer: NodeJS.Timeout | undefined

  private constructor(
    private readonly redis: Redis,
    private readonly keys: FleetKeys,
    private readonly jobId: string,
    private readonly workerId: string,
  ) {}

  /** Undefined where another worker has it. */
  static async take(
    redis: Redis,
    keys: FleetKeys,
    jobId: string,
    workerId: string,
  ): Promise<DriverLease | undefined> {
    const lease = new DriverLease(redis, keys, jobId, workerId)
    return (await lease.claim()) ? lease : undefined
  }

  /**
   * Renews it until it is released.
   * @param onRenewed each time that it is the worker's own for another while
   * @param onLost another worker has taken it over, or the job has ended
   */
  keep(onRenewed: () => Promise<void>, onLost: () => void): void {
    let isBusy = false
    this.timer = setInterval(async () => {
      // While Redis is away nobody else can take it either.
      if (isBusy) return
      isBusy = true
      try {
        if (await this.claim()) await onRenewed()
        else onLost()
      } catch {
        // The next beat tries again.
      } finally {
        isBusy = false
      }
    }, BEAT_MS)
  }

  /** Lets another worker take it at once. */
  async release(): Promise<void> {
    clearInterval(this.timer)
    await this.redis.eval(RELEASE, 1, this.keys.lease(this.jobId), this.workerId)
  }

  private async claim(): Promise<boolean> {
    const { redis, keys, jobId, workerId } = this
    return (await redis.eval(CLAIM, 2, keys.lease(jobId), keys.job(jobId), workerId, LEASE_MS)) === 1
  }
}
