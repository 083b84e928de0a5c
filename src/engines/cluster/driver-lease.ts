import type { Redis } from 'ioredis'
import type { FleetKeys } from './fleet-keys.js'

/** How long a driver that says nothing keeps its job. */
const LEASE_MS = 10_000
const RENEW_MS = 2500

/*
 * Extends a lease that is still one's own, and takes it again where Redis has forgotten it.
 *
 *   KEYS[1]  the lease
 *   ARGV[1]  id of the worker
 *   ARGV[2]  milliseconds
 *
 *   returns  1 when the lease is the worker's now, 0 when it is another's
 */
const RENEW = `
local owner = redis.call('GET', KEYS[1])
if owner == false or owner == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0`

/** The right to drive a job, for as long as it is renewed. It keeps two from the same work; fencing is the epochs'. */
export class DriverLease {
  private readonly timer: NodeJS.Timeout

  private constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly workerId: string,
    onLost: () => void,
  ) {
    this.timer = setInterval(() => {
      void redis
        .eval(RENEW, 1, key, workerId, LEASE_MS)
        .then((isOwn) => {
          if (isOwn !== 1) onLost()
        })
        // While Redis is away nobody else can take it either.
        .catch(() => {})
    }, RENEW_MS)
  }

  /** Undefined where another worker has it. @param onLost another worker has taken it over */
  static async take(
    redis: Redis,
    keys: FleetKeys,
    jobId: string,
    workerId: string,
    onLost: () => void,
  ): Promise<DriverLease | undefined> {
    const key = keys.lease(jobId)
    const taken = await redis.set(key, workerId, 'PX', LEASE_MS, 'NX')
    return taken === 'OK' ? new DriverLease(redis, key, workerId, onLost) : undefined
  }

  stop(): void {
    clearInterval(this.timer)
  }

  /** Lets another worker take it at once. */
  async release(): Promise<void> {
    this.stop()
    if ((await this.redis.get(this.key)) === this.workerId) await this.redis.del(this.key)
  }
}
