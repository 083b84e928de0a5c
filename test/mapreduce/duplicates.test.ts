import fc from 'fast-check'
import { BytesWritable } from 'pixelreduce'
import { expect, test } from 'vitest'
import { compareBytes } from '../../src/io/bytes.js'
import {
  bandTolerances,
  bandValue,
  differencesWithin,
} from '../../src/mapreduce/lib/duplicates/hash-bands.js'
import { hashRecords, onceEachHash } from '../../src/mapreduce/lib/duplicates/hash-records.js'
import { type NearDuplicates, nearDuplicates } from '../../src/mapreduce/lib/duplicates/near-duplicates.js'

/** A picture's key and hash. */
type Hashed = readonly [key: string, hex: string]

/** What the reducer makes of these pictures' records, sorted as the shuffle sorts them. */
async function grouped(pictures: readonly Hashed[], radius: number): Promise<NearDuplicates[]> {
  const records = pictures.flatMap(([key, hex]) => hashRecords(hex, radius, key))
  records.sort(([a], [b]) => compareBytes(a, b))
  const context = { currentKey: new Uint8Array(0) as Uint8Array, progress() {} }
  async function* values() {
    for (const [key, value] of records) {
      context.currentKey = BytesWritable.encode(key)
      yield value
    }
  }
  return nearDuplicates(values(), radius, context)
}

function distance(a: string, b: string): number {
  return (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(2).replaceAll('0', '').length
}

/** The same by comparing all with all. */
function plainGroups(pictures: readonly Hashed[], radius: number): string[][] {
  const groupOf = pictures.map((_, index) => index)
  for (const [index, [, hex]] of pictures.entries()) {
    for (const [other, [, otherHex]] of pictures.entries()) {
      if (distance(hex, otherHex) > radius) continue
      const [from, to] = [groupOf[other]!, groupOf[index]!]
      for (const [at, group] of groupOf.entries()) if (group === from) groupOf[at] = to
    }
  }
  const groups = [...new Set(groupOf)].map((group) =>
    pictures.filter((_, index) => groupOf[index] === group).map(([key]) => key),
  )
  return groups
    .filter((keys) => keys.length > 1)
    .map((keys) => keys.sort())
    .sort(([a], [b]) => (a! < b! ? -1 : 1))
}

/** Hashes of so many bits, many of them near one another: some bits of a few are turned over. */
function hashesOf(bits: number) {
  const hash = fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
  const turned = fc.array(fc.nat(bits - 1), { maxLength: 12 })
  return fc.array(hash, { minLength: 1, maxLength: 4 }).chain((centres) =>
    fc.array(fc.tuple(fc.nat(centres.length - 1), turned), { maxLength: 60 }).map((members) =>
      members.map(([centre, places], index): Hashed => {
        const value = places.reduce((sum, place) => sum ^ (1n << BigInt(place)), centres[centre]!)
        return [`${String(index % 7)}/${index}.jpg`, value.toString(16).padStart(Math.ceil(bits / 4), '0')]
      }),
    ),
  )
}

test.each([
  [64, 10],
  [64, 3],
  [64, 1],
  [64, 0],
  [64, 30],
  [256, 31],
  [256, 5],
  [36, 6],
  [25, 4],
  [4, 1],
  [4, 4],
])('of hashes of %i bits those within %i are grouped, as when all are compared with all', async (bits, radius) => {
  await fc.assert(
    fc.asyncProperty(hashesOf(bits), async (pictures) => {
      const groups = await grouped(pictures, radius)
      expect(groups.map(({ keys }) => keys)).toEqual(plainGroups(pictures, radius))
    }),
    { numRuns: 20 },
  )
})

test('two pictures are a group if and only if their hashes are within the radius', async () => {
  const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  const places = fc.uniqueArray(fc.nat(63), { maxLength: 24 })
  await fc.assert(
    fc.asyncProperty(hash, places, fc.integer({ min: 0, max: 20 }), async (one, turned, radius) => {
      const other = turned.reduce((sum, place) => sum ^ (1n << BigInt(place)), one)
      const [a, b] = [one, other].map((value) => value.toString(16).padStart(16, '0'))
      const groups = await grouped(
        [
          ['a', a!],
          ['b', b!],
        ],
        radius,
      )
      const expected = { group: 'a', pictures: 2, keys: ['a', 'b'], distances: [0, turned.length] }
      expect(groups).toEqual(turned.length <= radius ? [expected] : [])
    }),
  )
})

test('tolerances, each plus one, are more than the radius together, and no more than need be', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 128 }), fc.integer({ min: 0, max: 300 }), (bytes, radius) => {
      const tolerances = bandTolerances(bytes, radius)
      expect(tolerances.length).toBeLessThanOrEqual(Math.ceil(bytes / 2))
      expect(Math.min(...tolerances)).toBeGreaterThanOrEqual(0)
      expect(tolerances.reduce((sum, each) => sum + each + 1, 0)).toBe(radius + 1)
    }),
  )
})

test('the differences within a tolerance are all that have so few bits', () => {
  const bitsOf = (value: number) => value.toString(2).replaceAll('0', '').length
  for (const tolerance of [0, 1, 2, 3, 16, 99]) {
    const expected = Array.from({ length: 2 ** 16 }, (_, value) => value).filter(
      (each) => bitsOf(each) <= tolerance,
    )
    expect([...differencesWithin(tolerance)].sort((a, b) => a - b)).toEqual(expected)
  }
})

test('bands are 16 bits each, the last one filled up', () => {
  const hash = Buffer.from('0123456789', 'hex')
  expect([0, 1, 2].map((band) => bandValue(hash, band))).toEqual([0x0123, 0x4567, 0x8900])
})

test('identical pictures are grouped at radius 0, and their hash is shuffled once', async () => {
  const white = Array.from(
    { length: 1000 },
    (_, index): Hashed => [`white-${index + 1000}`, '8000000000000000'],
  )
  const [group, ...others] = await grouped([...white, ['other', '0000000000000001']], 0)
  expect(others).toEqual([])
  expect(group).toMatchObject({ group: 'white-1000', pictures: 1000 })
  expect(new Set(group!.distances)).toEqual(new Set([0]))

  const combined: [Uint8Array, string][] = []
  const emit = async (key: Uint8Array, value: string) => void combined.push([key, value])
  const [band, picture] = [hashRecords('ff', 0, 'a')[0]![0], hashRecords('ff', 0, 'a').at(-1)![0]]
  const twice = async function* (...values: string[]) {
    yield* values
  }
  await onceEachHash(band, twice('', ''), { emit } as never)
  await onceEachHash(picture, twice('a', 'b'), { emit } as never)
  expect(combined).toEqual([
    [band, ''],
    [picture, 'a'],
    [picture, 'b'],
  ])
})

test('keys are in the order of their bytes, and so are the groups', async () => {
  const groups = await grouped(
    [
      ['\u{1f600}', 'aaaa'],
      ['\uffee', 'aaab'],
      ['b', '5555'],
      ['a', '5554'],
    ],
    1,
  )
  expect(groups.map(({ keys }) => keys)).toEqual([
    ['a', 'b'],
    ['\uffee', '\u{1f600}'],
  ])
})

test('thousands of pictures of few scenes are a group for each scene', async () => {
  const scenes = ['0123456789abcdef', 'fedcba9876543210', '00ff00ff00ff00ff']
  const pictures = Array.from({ length: 6000 }, (_, index): Hashed => {
    const scene = BigInt(`0x${scenes[index % 3]}`)
    const turned = [index % 61, (index * 7) % 59, (index * 13) % 53].map((place) => 1n << BigInt(place))
    const hex = turned.reduce((sum, bit) => sum ^ bit, scene).toString(16)
    return [String(index).padStart(4, '0'), hex.padStart(16, '0')]
  })
  const groups = await grouped(pictures, 10)
  expect(groups.map(({ group, pictures: count }) => [group, count])).toEqual([
    ['0000', 2000],
    ['0001', 2000],
    ['0002', 2000],
  ])
})

test('no pictures make no groups', async () => {
  expect(await grouped([], 10)).toEqual([])
})
