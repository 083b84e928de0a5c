/**
 * Merges sorted streams to one; of equal items those of an earlier stream come first, so that merging
 * sorted runs in their order is stable.
 */
export async function* mergeSorted<T>(
  streams: readonly AsyncIterable<T>[],
  compare: (a: T, b: T) => number,
): AsyncIterable<T> {
  const heads: { item: T; order: number; rest: AsyncIterator<T> }[] = []
  const isBefore = (a: number, b: number): boolean => {
    const order = compare(heads[a]!.item, heads[b]!.item)
    return order < 0 || (order === 0 && heads[a]!.order < heads[b]!.order)
  }
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]())
  try {
    for (const [order, rest] of iterators.entries()) {
      const first = await rest.next()
      if (!first.done) heads.push({ item: first.value, order, rest })
    }
    for (let at = (heads.length >> 1) - 1; at >= 0; at--) sink(at)
    while (heads.length > 0) {
      const top = heads[0]!
      yield top.item
      const next = await top.rest.next()
      if (!next.done) top.item = next.value
      else {
        const last = heads.pop()!
        if (heads.length === 0) return
        if (last !== top) heads[0] = last
      }
      sink(0)
    }
  } finally {
    await Promise.allSettled(iterators.map((iterator) => iterator.return?.()))
  }

  /** Lets the head at a place of the heap sink to where it belongs. */
  function sink(start: number): void {
    for (let at = start; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heads.length && isBefore(child, least)) least = child
      }
      if (least === at) return
      ;[heads[at], heads[least]] = [heads[least]!, heads[at]!]
      at = least
    }
  }
}
