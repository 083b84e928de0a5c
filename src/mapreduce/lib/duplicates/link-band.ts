import type { DisjointSets } from './disjoint-sets.js'
import { BAND_VALUES, differencesWithin } from './hash-bands.js'
import { countBits, type HashList } from './hash-list.js'
import { anyNearOf } from './near-buckets.js'

/** The hashes of one band, in the order of its values. */
export interface Band {
  hashes: HashList
  /** The value of each. */
  values: Uint16Array
  /** What each is called in the sets. */
  names: Int32Array
  /** Bits in which values may differ, that their hashes be compared. */
  tolerance: number
}

/** The hashes of one value: [begin, end). */
interface Bucket {
  value: number
  begin: number
  end: number
}

/**
 * Joins the sets of all hashes that are within the radius and whose values are within the tolerance. Changes the
 * order of hashes of the same value.
 * @param progress is called now and then
 */
export function linkBand(band: Band, radius: number, sets: DisjointSets, progress: () => void): void {
  const { hashes, values, names, tolerance } = band
  // Pictures of one scene have neighbours in any order; the fewer sets are left, the less is to be compared below.
  for (let at = 1; at < hashes.length; at++) {
    if (hashes.distance(at - 1, at) <= radius) sets.join(names[at - 1]!, names[at]!)
  }
  const buckets = bucketsOf(values)
  const runEnds = new Int32Array(hashes.length)
  for (const bucket of buckets) orderBySet(band, bucket, sets, runEnds)

  const anyNear = anyNearOf(hashes, radius)
  for (const [bucket, others] of pairsWithin(buckets, tolerance)) {
    progress()
    for (const other of others) compareBuckets(bucket, other)
  }

  function compareBuckets(bucket: Bucket, other: Bucket): void {
    if (bucket !== other && !anyNear(bucket.begin, bucket.end, other.begin, other.end)) return
    for (let run = bucket.begin; run < bucket.end; run = runEnds[run]!) {
      const begin = bucket === other ? runEnds[run]! : other.begin
      if (runEnds[run]! === run + 1) linkOne(run, begin, other.end)
      else for (let second = begin; second < other.end; second = runEnds[second]!) linkRuns(run, second)
    }
  }

  function linkOne(at: number, begin: number, end: number): void {
    for (let other = nextNear(at, begin, end); other < end; other = nextNear(at, other + 1, end)) {
      sets.join(names[at]!, names[other]!)
    }
  }

  /** One near pair is enough: a scene's many pictures have more pairs than anybody could compare. */
  function linkRuns(first: number, second: number): void {
    if (sets.find(names[first]!) === sets.find(names[second]!)) return
    for (let at = first; at < runEnds[first]!; at++) {
      const near = nextNear(at, second, runEnds[second]!)
      if (near === runEnds[second]!) continue
      sets.join(names[at]!, names[near]!)
      return
    }
  }

  /** The first hash from `begin` on that is within the radius of this one; `end` where there is none. */
  function nextNear(at: number, begin: number, end: number): number {
    let other = begin
    while (other < end && hashes.distance(at, other) > radius) other++
    return other
  }
}

function bucketsOf(values: Uint16Array): Bucket[] {
  const buckets: Bucket[] = []
  for (const [at, value] of values.entries()) {
    const last = buckets.at(-1)
    if (last?.value === value) last.end++
    else buckets.push({ value, begin: at, end: at + 1 })
  }
  return buckets
}

/** Each bucket with those, from itself on, whose values are within the tolerance of its own. */
function* pairsWithin(buckets: readonly Bucket[], tolerance: number): Generator<[Bucket, Bucket[]]> {
  const differences = differencesWithin(tolerance)
  if (differences.length >= buckets.length) {
    for (const [place, bucket] of buckets.entries()) {
      const others = buckets.slice(place)
      yield [bucket, others.filter(({ value }) => countBits(value ^ bucket.value) <= tolerance)]
    }
    return
  }
  const ofValue = new Array<Bucket | undefined>(BAND_VALUES)
  for (const bucket of buckets) ofValue[bucket.value] = bucket
  for (const bucket of buckets) {
    const others: Bucket[] = []
    for (const difference of differences) {
      const other = ofValue[bucket.value ^ difference]
      if (other && other.value >= bucket.value) others.push(other)
    }
    yield [bucket, others]
  }
}

/** Puts a bucket's hashes of one set together, and writes down of each such run, at its begin, where it ends. */
function orderBySet(
  { hashes, names }: Band,
  { begin, end }: Bucket,
  sets: DisjointSets,
  runEnds: Int32Array,
): void {
  const ofSet = new Map<number, number[]>()
  for (let at = begin; at < end; at++) {
    const set = sets.find(names[at]!)
    const members = ofSet.get(set)
    if (members) members.push(at)
    else ofSet.set(set, [at])
  }
  const order = [...ofSet.values()].flat()
  if (ofSet.size > 1 && ofSet.size < order.length) {
    const oldNames = names.slice(begin, end)
    hashes.reorder(begin, order)
    for (const [index, from] of order.entries()) names[begin + index] = oldNames[from - begin]!
  }
  let at = begin
  for (const { length } of ofSet.values()) {
    runEnds[at] = at + length
    at += length
  }
}
