import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LocalFileSystem } from '../../src/fs/local/local-file-system.js'
import {
  BytesWritable,
  DoubleWritable,
  IntWritable,
  LongWritable,
  Text,
  type Writable,
} from '../../src/io/writables/index.js'
import { rawPrefix } from '../../src/io/writables/raw-order.js'
import { Counters, TASK_COUNTERS } from '../../src/mapreduce/counters.js'
import { keyOrder } from '../../src/mapreduce/shuffle/key-order.js'
import { type Combiner, MapOutput, type MapOutputOptions } from '../../src/mapreduce/shuffle/map-output.js'
import { mergeSegments } from '../../src/mapreduce/shuffle/merge-segments.js'
import { SortBuffer } from '../../src/mapreduce/shuffle/sort-buffer.js'
import type { Segment } from '../../src/mapreduce/shuffle/spill-file.js'
import { temporaryFolder } from '../temporary-folder.js'

const fs = new LocalFileSystem()
const MIB = 1024 * 1024

/** Keys with long common beginnings, zeros at their ends, and many equal ones. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'ä', '\u{1F600}'), maxLength: 14 }),
  fc.string({ unit: fc.constantFrom('x', '\0'), maxLength: 9 }).map((end) => `camera-0001/2026-11-21/${end}`),
)

const kinds: [string, Writable<never>, fc.Arbitrary<unknown>][] = [
  ['Text', Text as never, text],
  ['BytesWritable', BytesWritable as never, fc.uint8Array({ maxLength: 12 })],
  ['IntWritable', IntWritable as never, fc.integer()],
  ['LongWritable', LongWritable as never, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['DoubleWritable', DoubleWritable as never, fc.double()],
]

describe('the sort buffer', () => {
  it.each(
    kinds,
  )('sorts %s keys by partition and key, and keeps the order of equal ones', (_, writable, keys) => {
    const record = fc.tuple(fc.nat(2), keys)
    fc.assert(
      fc.property(fc.array(record, { maxLength: 300 }), (records) => {
        const { compare, rawOrder } = keyOrder(writable.className)
        const buffer = new SortBuffer({ bytes: MIB, partitions: 3, compare, order: rawOrder })
        const added = records.map(([partition, key], i) => {
          const bytes = writable.encode(key as never)
          expect(buffer.add(partition, bytes, IntWritable.encode(i))).toBe(true)
          return { partition, bytes, i }
        })
        const sorted = buffer.sorted().map((partition) => {
          const found: number[] = []
          for (let next = partition.next(); next; next = partition.next())
            found.push(IntWritable.decode(next.value))
          return found
        })
        const plain = [0, 1, 2].map((partition) =>
          added
            .filter((each) => each.partition === partition)
            .sort((a, b) => compare(a.bytes, b.bytes) || a.i - b.i)
            .map(({ i }) => i),
        )
        expect(sorted).toEqual(plain)
      }),
      { numRuns: 100 },
    )
  })

  it('takes no more than its bytes, and all of them', () => {
    const { compare, rawOrder } = keyOrder(Text.className)
    const buffer = new SortBuffer({ bytes: MIB, partitions: 1, compare, order: rawOrder })
    const key = Text.encode('k'.repeat(99))
    const value = new Uint8Array(900)
    let held = 0
    while (buffer.add(0, key, value)) held++
    const taken = held * (key.length + value.length + 28)
    expect(taken).toBeLessThanOrEqual(MIB)
    expect(taken).toBeGreaterThan(MIB - 2000)
    buffer.clear()
    expect(buffer.add(0, key, value)).toBe(true)
  })
})

type Record = [partition: number, key: string, value: number]

const sumOf: Combiner = async (key, groups, emit) => {
  let sum = 0n
  const values = groups.values(LongWritable.decode)
  for await (const value of values) sum += value
  await groups.skipRest(values)
  await emit(key, LongWritable.encode(sum))
}

/** Of Text and LongWritable, in three partitions, where nothing else is said. */
function mapOutput(
  path: string,
  { codec, ...options }: { codec?: string | undefined } & Partial<MapOutputOptions> = {},
): MapOutput {
  return new MapOutput({
    fs,
    path,
    format: { keyClass: Text.className, valueClass: LongWritable.className, codec },
    partitions: 3,
    order: keyOrder(Text.className),
    sortBytes: MIB,
    counters: new Counters(),
    signal: new AbortController().signal,
    ...options,
  })
}

async function write(
  folder: string,
  records: readonly Record[],
  options: { sortBytes: number; combine?: Combiner; codec?: string },
): Promise<{ path: string; segments: Segment[]; counters: Counters }> {
  const counters = new Counters()
  const path = join(folder, 'file.out')
  const output = mapOutput(path, { ...options, counters })
  for (const [partition, key, value] of records) {
    await output.write(partition, Text.encode(key), LongWritable.encode(value))
  }
  return { path, segments: await output.close(), counters }
}

async function read(
  files: { path: string; segments: Segment[] }[],
  bytes = MIB,
): Promise<[string, bigint][][]> {
  const partitions: [string, bigint][][] = []
  const folder = await temporaryFolder()
  let scratch = 0
  for (let partition = 0; partition < 3; partition++) {
    await using opened = await mergeSegments(
      files.map(({ path, segments }) => ({ fs, path, segment: segments[partition]! })),
      {
        order: keyOrder(Text.className),
        bytes,
        format: { keyClass: Text.className, valueClass: LongWritable.className },
        scratch: () => ({ fs, path: join(folder, `merge-${scratch++}`) }),
      },
    )
    const found: [string, bigint][] = []
    for await (const { key, value } of opened.merge)
      found.push([Text.decode(key), LongWritable.decode(value)])
    partitions.push(found)
  }
  return partitions
}

/** Enough to fill the smallest buffer several times. */
function manyRecords(count: number): Record[] {
  let x = 7
  const next = (below: number) => {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0
    return (x >>> 8) % below
  }
  return Array.from({ length: count }, (_, i) => [next(3), `key-${next(5000)}-${'x'.repeat(next(60))}`, i])
}

describe('map output', () => {
  it('is the same file with any buffer: spills leave no trace', async () => {
    const records = manyRecords(60_000)
    const files: Buffer[] = []
    for (const sortBytes of [MIB, 2 * MIB, 64 * MIB]) {
      const folder = await temporaryFolder()
      const { path, segments, counters } = await write(folder, records, { sortBytes })
      expect(segments.reduce((sum, each) => sum + each.records, 0)).toBe(60_000)
      expect(counters.toJson()[TASK_COUNTERS]).toMatchObject({ MAP_OUTPUT_RECORDS: 60_000 })
      expect((await readdir(folder)).sort()).toEqual(['file.out', 'file.out.index'])
      files.push(await readFile(path))
    }
    expect(files[1]!.equals(files[0]!)).toBe(true)
    expect(files[2]!.equals(files[0]!)).toBe(true)
  })

  it('sums to the same with a combiner, on spills and on their merge', async () => {
    const records = manyRecords(60_000).map(
      ([partition, key, value]): Record => [partition, key.slice(0, 7), value],
    )
    const sums = (partitions: [string, bigint][][]) =>
      partitions.map((partition) => {
        const sum = new Map<string, bigint>()
        for (const [key, value] of partition) sum.set(key, (sum.get(key) ?? 0n) + value)
        return [...sum]
      })
    const plain = await write(await temporaryFolder(), records, { sortBytes: MIB })
    const expected = sums(await read([plain]))
    for (const sortBytes of [MIB, 64 * MIB]) {
      const combined = await write(await temporaryFolder(), records, { sortBytes, combine: sumOf })
      const found = await read([combined])
      expect(found).toEqual(expected)
      const { COMBINE_INPUT_RECORDS = 0, COMBINE_OUTPUT_RECORDS = 0 } =
        combined.counters.toJson()[TASK_COUNTERS]!
      const left = found.reduce((sum, partition) => sum + partition.length, 0)
      expect(60_000 - COMBINE_INPUT_RECORDS + COMBINE_OUTPUT_RECORDS).toBe(left)
    }
  })

  it('takes values and records larger than the buffer, and refuses a key that is', async () => {
    const folder = await temporaryFolder()
    const format = { keyClass: Text.className, valueClass: BytesWritable.className }
    const output = mapOutput(join(folder, 'file.out'), { format, partitions: 2 })
    const large = Buffer.alloc(3 * MIB, 7)
    for (const [i, key] of ['c', 'a', 'b'].entries()) {
      await output.write(i % 2, Text.encode(key), BytesWritable.encode(i === 1 ? large : Buffer.from(key)))
    }
    const segments = await output.close()
    expect(segments.map(({ records }) => records)).toEqual([2, 1])
    const huge = mapOutput(join(folder, 'refused'))
    await expect(
      (async () => huge.write(0, Text.encode('k'.repeat(2 * MIB)), LongWritable.encode(1)))(),
    ).rejects.toThrow(/sort a key of 20971\d\d bytes: the sort buffer has 1048576/)
  })

  it('can be compressed', async () => {
    const records = manyRecords(5000)
    const plain = await write(await temporaryFolder(), records, { sortBytes: MIB })
    const gzip = await write(await temporaryFolder(), records, { sortBytes: MIB, codec: 'default' })
    expect(await read([gzip])).toEqual(await read([plain]))
    const bytes = (segments: Segment[]) => segments.reduce((sum, { length }) => sum + length, 0)
    expect(bytes(gzip.segments)).toBeLessThan(bytes(plain.segments) / 2)
  })

  it('is not taken when a byte of it has changed', async () => {
    const { path, segments } = await write(await temporaryFolder(), manyRecords(2000), { sortBytes: MIB })
    const bytes = await readFile(path)
    bytes[segments[1]!.start + segments[1]!.length - 3]! ^= 1
    await writeFile(path, bytes)
    await expect(read([{ path, segments }])).rejects.toMatchObject({ code: 'CHECKSUM' })
  })
})

describe('merging', () => {
  it('keeps equal keys in the order of their files, also when many are merged on disk before', async () => {
    const files: { path: string; segments: Segment[] }[] = []
    const all: [string, bigint][] = []
    for (let file = 0; file < 40; file++) {
      const records = manyRecords(50).map(
        ([, key], i): Record => [0, key.slice(0, 5 + (file % 2)), file * 1000 + i],
      )
      files.push(await write(await temporaryFolder(), records, { sortBytes: MIB }))
      all.push(...records.map(([, key, value]): [string, bigint] => [key, BigInt(value)]))
    }
    const expected = all
      .map((record, i) => ({ record, i }))
      .sort((a, b) => Text.compare(Text.encode(a.record[0]), Text.encode(b.record[0])) || a.i - b.i)
      .map(({ record }) => record)
    // Memory for five inputs at once, and for all.
    for (const bytes of [MIB, 64 * MIB]) expect((await read(files, bytes))[0]).toEqual(expected)
  })
})

describe('a prefix of a key', () => {
  it.each(
    kinds.slice(0, 4),
  )('orders %s keys as their comparator does, or leaves it open', (_, writable, keys) => {
    const { compare, rawOrder } = keyOrder(writable.className)
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const [first, second] = [a, b].map((key) => writable.encode(key as never))
        const difference = rawPrefix(rawOrder!, first!) - rawPrefix(rawOrder!, second!)
        if (difference !== 0) expect(Math.sign(difference)).toBe(Math.sign(compare(first!, second!)))
      }),
      { numRuns: 2000 },
    )
  })
})
