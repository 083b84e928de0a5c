import { hashPartition } from '../../io/hash.js'
import { comparatorFor } from '../../io/writables/comparator.js'
import { Text, writableFor } from '../../io/writables/index.js'
import { keyFromJson } from '../task/task.js'
import type { OpenPart } from './open-part.js'
import type { StoredFiles } from './stored-files.js'

/** What is known of the keys of a part; without a range it has none. */
export interface PartRange {
  readonly name: string
  readonly range?: readonly [first: Uint8Array, last: Uint8Array]
}

/** How the keys of an output are spread over its parts. */
export interface Partitioning {
  readonly kind: 'hash' | 'ranges' | 'any'
  /** Names of the parts that may hold the key, the likeliest first. */
  holding(key: Uint8Array): string[]
  /** The part that a key is put into by the same partitioner; several where nothing tells which. */
  partsFor(key: Uint8Array): string[]
}

/** By the first and last keys that `_SUCCESS` gives; undefined where it gives none. */
export function partitioningOfSuccess({ success, files }: StoredFiles): Partitioning | undefined {
  if (!success) return undefined
  const { keyClass = Text.className } = success
  const told = new Map(success.parts.map((part) => [part.name, part]))
  const parts = files.map(({ name }): PartRange | undefined => {
    const part = told.get(name)
    if (!part) return undefined
    const range = [part.firstKey, part.lastKey].map((key) => keyFromJson(keyClass, key))
    return { name, ...(part.records > 0 ? { range: [range[0]!, range[1]!] as const } : {}) }
  })
  if (!parts.every((part) => part !== undefined)) return undefined
  const isOrdered = (success.outputFormat ?? 'mapfile') === 'mapfile'
  const others = () => (isOrdered ? byRanges(parts, order(keyClass)) : anywhere(parts))
  if (success.partitioning === 'hash') return byHash(keyClass, parts) ?? others()
  return others()
}

/** Parts that are not in the order of their keys may have any key between the first and the last, and beyond. */
function anywhere(parts: readonly PartRange[]): Partitioning {
  const names = parts.filter(({ range }) => range !== undefined).map(({ name }) => name)
  return { kind: 'any', holding: () => names, partsFor: () => names }
}

/**
 * Of Hadoop's own outputs, which don't say it: by hash where each part's first and last keys have its
 * number as their hash, in total order where each part ends before the next begins.
 */
export async function partitioningOfKeys(parts: readonly OpenPart[]): Promise<Partitioning> {
  const keyClass = parts[0]?.keyClass ?? Text.className
  const ranges: PartRange[] = []
  for (const part of parts) {
    const range = await part.keyRange()
    ranges.push({ name: part.name, ...(range ? { range } : {}) })
  }
  const ordered = byRanges(ranges, comparatorFor(keyClass, parts[0]?.name ?? 'the output'))
  if (ordered.kind === 'ranges' && parts.length > 1) return ordered
  return byHash(keyClass, ranges) ?? ordered
}

/** The part of Hadoop's HashPartitioner; undefined for a class whose hash is not known. */
export function hashedPart(keyClass: string, key: Uint8Array, parts: readonly string[]): string | undefined {
  const hash = writableFor(keyClass).hashCode?.(key)
  const last = Number(/-(\d+)$/.exec(parts.at(-1) ?? '')?.[1])
  if (hash === undefined || !Number.isInteger(last)) return undefined
  const number = hashPartition(hash, last + 1)
  return parts.find((name) => Number(/-(\d+)$/.exec(name)?.[1]) === number)
}

function order(keyClass: string): (a: Uint8Array, b: Uint8Array) => number {
  return comparatorFor(keyClass, 'the output')
}

function byHash(keyClass: string, parts: readonly PartRange[]): Partitioning | undefined {
  const names = parts.map(({ name }) => name)
  const own = (key: Uint8Array) => hashedPart(keyClass, key, names)
  if (!parts.every(({ name, range }) => !range || range.every((key) => own(key) === name))) return undefined
  const holding = (key: Uint8Array) => {
    const name = own(key)
    return name === undefined ? [] : [name]
  }
  return { kind: 'hash', holding, partsFor: holding }
}

function byRanges(
  parts: readonly PartRange[],
  compare: (a: Uint8Array, b: Uint8Array) => number,
): Partitioning {
  const filled = parts.filter((part): part is Required<PartRange> => part.range !== undefined)
  const inOrder = filled.every((part, i) => i === 0 || compare(filled[i - 1]!.range[1], part.range[0]) <= 0)
  const holding = (key: Uint8Array) =>
    filled
      .filter(({ range }) => compare(range[0], key) <= 0 && compare(key, range[1]) <= 0)
      .map(({ name }) => name)
  return {
    kind: inOrder ? 'ranges' : 'any',
    holding,
    partsFor(key) {
      if (!inOrder) return holding(key)
      const part = filled.findLast(({ range }) => compare(range[0], key) <= 0) ?? filled[0]
      return part ? [part.name] : []
    },
  }
}
