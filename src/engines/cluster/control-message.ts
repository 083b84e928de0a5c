import type { Redis } from 'ioredis'
import type { FleetKeys } from './fleet-keys.js'

/** What is said to all workers at once. One that misses it looks by itself within seconds. */
export type ControlMessage =
  /** There is a new job, or one without a driver. */
  | { type: 'job'; jobId: string }
  /** Attempts of a job were queued; the hosts that some of them are for. */
  | { type: 'work'; jobId: string; hosts: string[] }
  /** All attempts of a job end at once. */
  | { type: 'kill'; jobId: string }
  /** These attempts are given up. */
  | { type: 'give-up'; jobId: string; attempts: string[] }
  /** A job has ended; what workers keep of it may go. */
  | { type: 'ended'; jobId: string }
  /** Each worker says whether it sees these places; see visible-places.ts. */
  | { type: 'look'; request: string; places: { uri: string; holds?: string }[] }
  /** A worker has come or changed. */
  | { type: 'worker'; workerId: string }

export async function tellWorkers(redis: Redis, keys: FleetKeys, message: ControlMessage): Promise<void> {
  await redis.publish(keys.control, JSON.stringify(message))
}
