/** When a task is so slow that a second attempt at it may be done sooner. */
export interface SpeculationPolicy {
  /** Milliseconds that it has run at least. @default 60000 */
  afterMs: number
  /** How many times the mean of the finished tasks it has taken already. @default 1.5 */
  slowerBy: number
  /** Share of the stage's tasks that must be done, to know what is usual. @default 0.1 */
  finishedShare: number
}

export const DEFAULT_SPECULATION: SpeculationPolicy = { afterMs: 60_000, slowerBy: 1.5, finishedShare: 0.1 }

/** How a running task gets on. */
export interface Pace {
  runMs: number
  /** How much of it is done, from 0 to 1; 0 where that is not known. */
  share: number
}

/**
 * The running task that a second attempt would gain most on, if any: what is left of it, at its own pace,
 * is more than a whole task takes as a rule. After Hadoop's DefaultSpeculator, which compares the same two
 * estimates.
 *
 * @param finishedMs how long each finished task took
 * @param total tasks of the stage
 */
export function findStraggler<T extends Pace>(
  running: readonly T[],
  finishedMs: readonly number[],
  total: number,
  policy: SpeculationPolicy,
): T | undefined {
  if (finishedMs.length === 0 || finishedMs.length < total * policy.finishedShare) return undefined
  const meanMs = finishedMs.reduce((sum, ms) => sum + ms, 0) / finishedMs.length
  const leftMs = ({ runMs, share }: Pace) => (share > 0 ? (runMs * (1 - share)) / share : Infinity)
  let slowest: T | undefined
  for (const task of running) {
    const isSlow = task.runMs >= policy.afterMs && task.runMs >= policy.slowerBy * meanMs
    if (!isSlow || leftMs(task) <= meanMs) continue
    if (!slowest || leftMs(task) > leftMs(slowest)) slowest = task
  }
  return slowest
}
