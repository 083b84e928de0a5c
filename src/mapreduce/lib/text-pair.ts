import { hashPartition } from '../../io/hash.js'
import { Text } from '../../io/writables/index.js'

/*
 * A Text key of two strings, for a secondary sort: values reach the reducer that gets the first string in
 * the order of the second. The zero byte between them is below every other, so that the order of the keys'
 * bytes is that of the pairs. The first string must not hold one.
 */
const BETWEEN = '\0'

export function textPair(first: string, second: string): string {
  return `${first}${BETWEEN}${second}`
}

export function splitTextPair(pair: string): [first: string, second: string] {
  const at = pair.indexOf(BETWEEN)
  return [pair.slice(0, at), pair.slice(at + 1)]
}

/** A `group` function for keys that are pairs: one call of reduce for each first string. */
export function groupByFirst(a: string, b: string): number {
  const [first] = splitTextPair(a)
  const [other] = splitTextPair(b)
  return first < other ? -1 : first > other ? 1 : 0
}

/** A `partition` function for keys that are pairs: Hadoop's HashPartitioner of the first string. */
export function partitionByFirst(pair: string, _value: unknown, partitions: number): number {
  return hashPartition(Text.hashCode(Text.encode(splitTextPair(pair)[0])), partitions)
}
