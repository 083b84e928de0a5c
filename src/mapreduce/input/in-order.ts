/**
 * Works on several items at once and yields them in their order, each with what came of it. Nothing is under way any
 * more when this is left.
 * @param atOnce items that are worked on at the same time
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<{ item: Item; result: Result }> {
  const running: { item: Item; working: Promise<Result> }[] = []
  const settled = async () => {
    const { item, working } = running.shift()!
    return { item, result: await working }
  }
  try {
    for await (const item of items) {
      const working = work(item)
      working.catch(() => {}) // awaited below
      running.push({ item, working })
      if (running.length >= atOnce) yield await settled()
    }
    while (running.length > 0) yield await settled()
  } finally {
    await Promise.allSettled(running.map(({ working }) => working))
  }
}
