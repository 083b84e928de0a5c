/** At most `count` of the items, at even distances. */
export function evenly<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items]
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!)
}

/**
 * The keys at which one partition ends and the next begins, as Hadoop's InputSampler chooses them: at even
 * distances among the sampled ones, each above the one before. With few different keys there are fewer than
 * `partitions` - 1, and the last partitions stay empty.
 */
export function partitionKeys(
  sample: readonly Uint8Array[],
  partitions: number,
  compare: (a: Uint8Array, b: Uint8Array) => number,
): Uint8Array[] {
  const sorted = [...sample].sort(compare)
  const keys: Uint8Array[] = []
  for (let partition = 1; partition < partitions; partition++) {
    let at = Math.round((sorted.length * partition) / partitions)
    while (at < sorted.length && keys.length > 0 && compare(sorted[at]!, keys.at(-1)!) <= 0) at++
    if (at >= sorted.length) break
    keys.push(sorted[at]!)
  }
  return keys
}
