import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemorySource } from '../../src/io/byte-source.js'
import { toHex } from '../../src/io/bytes.js'
import {
  fixMapFile,
  MapFileReader,
  type MapFileSources,
  MapFileWriter,
  type MapFileWriterOptions,
  mergeMapFiles,
  type SkippedRange,
} from '../../src/io/map-file/index.js'
import { BytesWritable, Text, writableFor } from '../../src/io/writables/index.js'
import { ChoppedSource, collect, fixture, MemoryMapFile, readFacts, shown } from './fixtures.js'

const syncMarker = Uint8Array.from({ length: 16 }, (_, i) => i * 7 + 3)
const plain: MapFileWriterOptions = {
  keyClass: Text.className,
  valueClass: BytesWritable.className,
  syncMarker,
}

async function write(
  entries: readonly (readonly [string, Uint8Array])[],
  options: Partial<MapFileWriterOptions> = {},
  withChecksum = true,
): Promise<MemoryMapFile> {
  const file = new MemoryMapFile(withChecksum)
  const writer = await MapFileWriter.create(file, { ...plain, ...options })
  for (const [key, value] of entries)
    await writer.append(Text.encode(key), [BytesWritable.prefix(value.length), value])
  await writer.close()
  return file
}

function numbered(count: number, from = 0): [string, Uint8Array][] {
  return Array.from({ length: count }, (_, i) => [
    `key-${String(i + from).padStart(6, '0')}`,
    Buffer.alloc((i * 37) % 400, i),
  ])
}

async function entriesOf(sources: MapFileSources): Promise<[string, string][]> {
  const reader = await MapFileReader.open(sources)
  const records = await collect(reader.entries())
  return records.map(({ key, value }) => [Text.decode(key), toHex(BytesWritable.decode(value))])
}

const modes = [
  { compression: 'NONE' },
  { compression: 'NONE', indexInterval: 7, syncInterval: 500 },
  { compression: 'RECORD', codec: 'gzip' },
  { compression: 'BLOCK', codec: 'zstd', blockSize: 2000 },
  { compression: 'BLOCK', codec: 'default', blockSize: 1000, indexInterval: 50 },
] as const

describe('a MapFile written here', () => {
  test.each([
    'photos',
    'none-128',
    'default-128',
    'block-wide-interval',
    'duplicates-some-indexed',
  ])('has the index of %s, which Hadoop wrote of the same records', async (name) => {
    const facts = readFacts(`map/${name}.json`)
    const reader = await MapFileReader.open({ data: fixture(`map/${name}/data`) })
    const file = new MemoryMapFile()
    const writer = await MapFileWriter.create(file, {
      ...reader.header,
      indexInterval: facts.indexInterval,
      blockSize: facts.made?.['io.seqfile.compress.blocksize'],
      syncInterval: facts.made?.syncInterval,
    })
    for await (const { key, value } of reader.entries()) await writer.append(key, value)
    await writer.close()
    const again = await MapFileReader.open(file.sources)
    const index = await again.index()
    const keys = Array.from({ length: index.count }, (_, i) => shown(facts.keyClass, index.key(i)))
    expect(keys).toEqual(facts.index.entries.map(([key]: [unknown]) => key))
    expect(await again.recordCount()).toBe(facts.records)
    if (facts.data.compression === 'NONE') {
      expect(Buffer.compare(file.data.bytes, fixture(`map/${name}/data`).bytes)).toBe(0)
    }
  })

  test.each(modes)('finds every key, and neighbours of keys that are not there: %o', async (mode) => {
    const entries = numbered(300)
    const file = await write(entries, mode)
    const reader = await MapFileReader.open(file.sources)
    for (const [i, [key, value]] of entries.entries()) {
      const found = await reader.get(Text.encode(key))
      expect(Buffer.compare(BytesWritable.decode(found!.value), value)).toBe(0)
      const between = Text.encode(`${key}+`)
      expect(await reader.get(between)).toBeUndefined()
      const after = await reader.getClosest(between)
      expect(after && Text.decode(after.key)).toBe(entries[i + 1]?.[0])
      expect(Text.decode((await reader.getClosest(between, { before: true }))!.key)).toBe(key)
    }
    const from = await collect(reader.entries({ from: Text.encode('key-000290+') }))
    expect(from.map((record) => Text.decode(record.key))).toEqual(entries.slice(291).map(([key]) => key))
  })

  test('is read back between the positions of any two index entries, each record once', async () => {
    for (const mode of modes) {
      const file = await write(numbered(200), mode)
      const reader = await MapFileReader.open(file.sources)
      const index = await reader.index()
      const bounds = [...new Set([3, 9, 10, 20].filter((i) => i < index.count).map((i) => index.position(i)))]
      const edges = [reader.headerLength, ...bounds, file.data.position]
      const keys: string[] = []
      for (let i = 1; i < edges.length; i++) {
        const scan = await reader.scan({ start: edges[i - 1]!, end: edges[i]! })
        keys.push(...(await collect(scan)).map((record) => Text.decode(record.key)))
      }
      expect(keys).toEqual(numbered(200).map(([key]) => key))
    }
  })

  test('refuses a key below the last one and names both; equal keys may follow another', async () => {
    const file = new MemoryMapFile()
    const writer = await MapFileWriter.create(file, plain)
    await writer.append(Text.encode('b'), BytesWritable.encode(Uint8Array.of(1)))
    await writer.append(Text.encode('b'), BytesWritable.encode(Uint8Array.of(2)))
    expect(() => writer.append(Text.encode('a'), BytesWritable.encode(Uint8Array.of(3)))).toThrow(
      expect.objectContaining({ code: 'KEY', details: { file: 'data', key: '"a"', previousKey: '"b"' } }),
    )
    await writer.close()
    const reader = await MapFileReader.open(file.sources)
    expect(toHex(BytesWritable.decode((await reader.get(Text.encode('b')))!.value))).toBe('01')
    expect((await entriesOf(file.sources)).length).toBe(2)
  })

  test('needs at most two reads of data for a lookup once its index is in memory', async () => {
    for (const withChecksum of [true, false]) {
      const file = await write(numbered(300), {}, withChecksum)
      const data = file.sources.data
      let reads = 0
      let bytes = 0
      const counting = new Proxy(data, {
        get(target, name) {
          if (name !== 'read') return Reflect.get(target, name)
          return (start: number, end: number) => {
            reads++
            bytes += end - start
            return target.read(start, end)
          }
        },
      })
      const reader = await MapFileReader.open({ ...file.sources, data: counting })
      await reader.index()
      for (const [key] of numbered(300)) {
        reads = bytes = 0
        await reader.get(Text.encode(key))
        expect(reads).toBeLessThanOrEqual(withChecksum ? 1 : 2)
        expect(bytes).toBeLessThan(700)
      }
    }
  })

  test('with keys whose order is not known is refused', async () => {
    await expect(
      MapFileWriter.create(new MemoryMapFile(), { ...plain, keyClass: 'com.example.Key' }),
    ).rejects.toThrow(/order of com.example.Key keys is not known/)
  })
})

describe('checksums', () => {
  test.each(
    modes.filter((mode) => mode.compression === 'NONE'),
  )('tell a changed value on every way to it: %o', async (mode) => {
    const file = await write(numbered(60), mode)
    const bytes = Buffer.from(file.data.bytes)
    const at = bytes.indexOf('key-000041') + 'key-000041'.length + 4 + 10
    bytes[at]! ^= 1
    const sources = { ...file.sources, data: new MemorySource(bytes, 'data') }
    const reader = await MapFileReader.open(sources)
    const wrong = { code: 'CHECKSUM', details: { key: '"key-000041"', file: 'data' } }
    await expect(reader.get(Text.encode('key-000041'))).rejects.toMatchObject(wrong)
    await expect(collect(reader.entries())).rejects.toMatchObject(wrong)
    expect(await reader.get(Text.encode('key-000040'))).toBeDefined()

    const damaged: string[] = []
    const rest = await collect(
      reader.entries({ onDamaged: (_, record) => damaged.push(Text.decode(record.key)) }),
    )
    expect([rest.length, damaged]).toEqual([59, ['key-000041']])
    const unverified = await MapFileReader.open(sources, { verify: false })
    expect((await collect(unverified.entries())).length).toBe(60)
  })

  test('that are not as many as the index entries are refused', async () => {
    const file = await write(numbered(5))
    const checksum = new MemorySource(file.checksum!.bytes.subarray(0, -8), '_checksum')
    const reader = await MapFileReader.open({ ...file.sources, checksum })
    await expect(reader.get(Text.encode('key-000001'))).rejects.toThrow(/4 checksums for the 5 entries/)
  })
})

describe('joining', () => {
  test.each([
    {},
    { compression: 'RECORD', codec: 'default', indexInterval: 4, syncInterval: 700 },
    { compression: 'BLOCK', blockSize: 1000 },
  ] as const)('gives the very bytes of writing all records, wherever the files end: %o', async (mode) => {
    const all = numbered(120)
    const whole = await write(all, mode)
    for (const ends of [[50], [50, 50], [1, 2, 119], [120]]) {
      const joined = new MemoryMapFile()
      const writer = await MapFileWriter.create(joined, { ...plain, ...mode })
      for (const [i, end] of [...ends, 120].entries()) {
        const start = ends[i - 1] ?? 0
        const { sources } = await write(all.slice(start, end), mode)
        const data = new ChoppedSource(sources.data.bytes, [50, 1, 333], 'data')
        await writer.appendFrom({ ...sources, data })
      }
      expect(writer.records).toBe(120)
      await writer.close()
      expect(joined.data.bytes).toEqual(whole.data.bytes)
      expect(joined.index!.bytes).toEqual(whole.index!.bytes)
      expect(joined.checksum!.bytes).toEqual(whole.checksum!.bytes)
    }
  })

  test('refuses a file that begins below, before anything is written', async () => {
    const low = await write(numbered(5))
    const file = new MemoryMapFile()
    const writer = await MapFileWriter.create(file, plain)
    await writer.appendFrom((await write(numbered(5, 3))).sources)
    const before = writer.position
    await expect(writer.appendFrom(low.sources)).rejects.toMatchObject({ code: 'KEY' })
    expect(writer.position).toBe(before)
  })

  test('notices a file that is cut within a record', async () => {
    const { sources } = await write(numbered(20))
    const data = new MemorySource(sources.data.bytes.subarray(0, -3), 'data')
    const writer = await MapFileWriter.create(new MemoryMapFile(), plain)
    await expect(writer.appendFrom({ ...sources, data })).rejects.toMatchObject({ code: 'TRUNCATED' })
  })
})

describe('merging', () => {
  test('keeps the order of keys, and of equal keys that of the files', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(30), { maxLength: 20 }), { maxLength: 6 }), async (lists) => {
        const files = await Promise.all(
          lists.map((list, file) =>
            write(
              [...list]
                .sort((a, b) => a - b)
                .map((n, i) => [String.fromCharCode(97 + n), Uint8Array.of(file, i)]),
            ),
          ),
        )
        const merged = new MemoryMapFile()
        const writer = await MapFileWriter.create(merged, plain)
        await mergeMapFiles(
          files.map((file) => file.sources),
          writer,
        )
        await writer.close()
        const expected = lists
          .flatMap((list, file) => [...list].sort((a, b) => a - b).map((n, i) => ({ n, file, i })))
          .sort((a, b) => a.n - b.n || a.file - b.file || a.i - b.i)
        expect(await entriesOf(merged.sources)).toEqual(
          expected.map(({ n, file, i }) => [String.fromCharCode(97 + n), toHex(Uint8Array.of(file, i))]),
        )
      }),
      { numRuns: 60 },
    )
  })
})

describe('fixing', () => {
  test.each(['no-index-none', 'no-index-block'])('%s gets the index that Hadoop made', async (name) => {
    const facts = readFacts(`map/${name}.json`)
    const file = new MemoryMapFile(false)
    const data = fixture(`map/${name}/data`)
    const dry = await fixMapFile({ data })
    const report = await fixMapFile({ data }, { index: file.index, indexInterval: facts.fixIndexInterval })
    expect(report).toMatchObject({ records: facts.fixReturned, skippedRanges: 0, outOfOrder: 0 })
    expect(dry.records).toBe(facts.fixDryRunReturned)
    const index = await (await MapFileReader.open({ data, index: file.sources.index })).index()
    const entries = Array.from({ length: index.count }, (_, i) => [
      shown(facts.keyClass, index.key(i)),
      index.position(i),
    ])
    expect(entries).toEqual(facts.fixedIndex.entries)
  })

  test('a file that was cut: the lookups before the cut work as in Hadoop, and the rest is told', async () => {
    const facts = readFacts('map/truncated.json')
    const data = fixture('map/truncated/data')
    const reader = await MapFileReader.open({ data, index: fixture('map/truncated/index') })
    for (const { key, found, value, error } of facts.gets) {
      const answer = reader.get(Text.encode(key))
      if (error) await expect(answer).rejects.toMatchObject({ code: 'TRUNCATED' })
      else {
        const record = await answer
        expect(record !== undefined).toBe(found)
        expect(shown(reader.header.valueClass, record!.value)).toEqual(value)
      }
    }
    const skipped: SkippedRange[] = []
    const report = await fixMapFile({ data }, { onSkipped: (range) => void skipped.push(range) })
    expect(report).toMatchObject({ records: facts.fixAfterDeletingTheIndex.returned, skippedRanges: 1 })
    expect(skipped[0]!.end).toBe(data.length)
    expect(report.skippedBytes).toBe(skipped[0]!.end - skipped[0]!.start)
  })

  test('passes over a damaged stretch, keeps the checksums of the rest, and what is left is found', async () => {
    for (const indexInterval of [1, 5]) {
      const file = await write(numbered(100), { syncInterval: 1000, indexInterval })
      const bytes = Buffer.from(file.data.bytes)
      bytes.fill(0xee, bytes.indexOf('key-000030') - 6, bytes.indexOf('key-000030') + 3)
      bytes[bytes.indexOf('key-000071') + 20]! ^= 4
      const data = new MemorySource(bytes, 'data')
      const fixed = new MemoryMapFile()
      const report = await fixMapFile(
        { data, checksum: file.sources.checksum! },
        { index: fixed.index, checksum: fixed.checksum! },
      )
      expect(report).toMatchObject({ skippedRanges: 1, damagedValues: 1, outOfOrder: 0 })
      expect(report.records).toBeGreaterThan(90)
      const reader = await MapFileReader.open({ ...fixed.sources, data })
      let found = 0
      for (const [key, value] of numbered(100)) {
        if (key === 'key-000071') continue
        const record = await reader.get(Text.encode(key)).catch(() => undefined)
        if (!record) continue
        found++
        expect(Buffer.compare(BytesWritable.decode(record.value), value)).toBe(0)
      }
      expect(found).toBe(report.records - 1)
      await expect(reader.get(Text.encode('key-000071'))).rejects.toMatchObject({ code: 'CHECKSUM' })
    }
  })
})

describe('an index that is wrong', () => {
  test.each(['into a record', 'beyond the end'])('is an error when it points %s', async (where) => {
    const file = await write(numbered(3), { compression: 'NONE' })
    const other = await write(
      numbered(3).map(([key]) => [key, new Uint8Array(where === 'beyond the end' ? 9999 : 3)]),
    )
    const reader = await MapFileReader.open({ data: file.sources.data, index: other.sources.index })
    await expect(reader.get(Text.encode('key-000002'))).rejects.toMatchObject({
      code: expect.stringMatching(/FORMAT|TRUNCATED/),
    })
  })

  test('is an error when it is for other keys', async () => {
    const { data } = (await write(numbered(3))).sources
    const index = fixture('map/int-keys/index')
    const reader = await MapFileReader.open({ data, index })
    await expect(reader.midKey()).rejects.toThrow(/instead of/)
    expect(writableFor(reader.header.keyClass)).toBe(Text)
  })
})
