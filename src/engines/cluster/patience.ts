import { UsageError } from '../../errors.js'

/*
 * All times of a fleet by which silence is taken for loss are shares of one, so that they keep their order
 * however short it is made. It must be the same on all nodes: a worker that takes its time for 15 s among
 * others that wait for 3 loses what it works on.
 */

const DEFAULT_PATIENCE_MS = 15_000
const LEAST_PATIENCE_MS = 500

/** How long an attempt stays with a worker that says nothing, and a worker that says nothing counts as alive. */
export const PATIENCE_MS = patience(process.env.PIXELREDUCE_FLEET_PATIENCE_MS)

/** How long a driver that says nothing keeps its job. */
export const LEASE_MS = share(2 / 3)

/** How often workers and drivers show that they live, and look whether they have missed anything. */
export const BEAT_MS = share(1 / 15)

/** How long an attempt may say nothing before its queue is asked for it. */
export const SILENT_MS = share(1 / 6)

/** How often attempts whose workers have lost them are looked for. */
export const STALLED_MS = share(1 / 5)

/** When a worker tries again to open a job that it could not open, or to drive one that it could not drive. */
export const REFUSED_MS = share(1 / 3)

/** How long a job may be unknown to a Redis that has lost it before others than its driver act on that. */
export const UNKNOWN_MS = share(1 / 5)

function share(part: number): number {
  return Math.ceil(PATIENCE_MS * part)
}

function patience(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PATIENCE_MS
  const ms = Number(text)
  if (Number.isFinite(ms) && ms >= LEAST_PATIENCE_MS) return ms
  throw new UsageError(
    `Cannot use PIXELREDUCE_FLEET_PATIENCE_MS: it must be milliseconds, ${LEAST_PATIENCE_MS} at the least, and is "${text}"`,
  )
}
