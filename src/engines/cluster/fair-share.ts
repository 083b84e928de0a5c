/** A job as the fair sharing of a worker sees it. */
export interface Share {
  /** Of the worker's time, beside those of other jobs. */
  priority: number
  /** Milliseconds of slots that its attempts have had here, divided by its priority. */
  usedMs: number
}

/**
 * The jobs in the order in which they may take a slot: first the one that has had least, for its priority. Each
 * worker does so for itself, so that the fleet does it without anybody who counts.
 */
export function fairOrder<T extends Share>(jobs: Iterable<T>): T[] {
  return [...jobs].sort((a, b) => a.usedMs - b.usedMs)
}

/** What a job begins with that comes later: as much as the one that has had least, lest it be given all. */
export function firstUsedMs(others: Iterable<Share>): number {
  const used = [...others].map(({ usedMs }) => usedMs)
  return used.length === 0 ? 0 : Math.min(...used)
}
