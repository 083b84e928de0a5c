/**
 * Works on several items at once and yields what comes of them in their order. Nothing is under way any more
 * when this is left, however it is left.
 *
 * @param atOnce items that are worked on at the same time
 * @param work its signal fires when the result is not wanted any more
 */
export async function* severalAtOnce<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result> {
  const left = new AbortController()
  const stop = signal ? AbortSignal.any([signal, left.signal]) : left.signal
  const running: Promise<Result>[] = []
  let next = 0
  try {
    while (next < items.length || running.length > 0) {
      while (next < items.length && running.length < atOnce) {
        const result = work(items[next++]!, stop)
        result.catch(() => {}) // awaited below
        running.push(result)
      }
      const result = await running[0]!
      running.shift()
      yield result
    }
  } finally {
    left.abort()
    await Promise.allSettled(running)
  }
}
