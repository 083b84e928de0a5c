import { expect, test } from 'vitest'
import { MemorySink } from '../../src/io/byte-sink.js'
import { MemorySource } from '../../src/io/byte-source.js'
import { loadCodec } from '../../src/io/codecs/index.js'
import { MapFileReader, MapFileWriter } from '../../src/io/map-file/index.js'
import { createSequenceFileWriter, SequenceFileReader } from '../../src/io/sequence-file/index.js'
import { encodeVInt } from '../../src/io/vint.js'
import { BytesWritable, LongWritable, Text } from '../../src/io/writables/index.js'
import { collect, MemoryMapFile } from './fixtures.js'

const HUGE = 0x7fffffff
const SYNC_BYTES = 20
const syncMarker = Buffer.alloc(16, 'a-sync-marker')
const classes = { keyClass: Text.className, valueClass: BytesWritable.className, syncMarker }
const keys = Array.from({ length: 40 }, (_, i) => Text.encode(`key-${String(i).padStart(3, '0')}`))

const huge = Buffer.alloc(4)
huge.writeInt32BE(HUGE)

/** What an action adds to the memory of buffers, at its end; what it allocates in one piece shows. */
async function bytesTaken(action: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage()
  await action()
  const after = process.memoryUsage()
  return after.arrayBuffers - before.arrayBuffers + Math.max(0, after.rss - before.rss)
}

async function sequenceFile(compression: 'NONE' | 'RECORD' | 'BLOCK', codec?: string) {
  const sink = new MemorySink()
  const writer = await createSequenceFileWriter(sink, {
    ...classes,
    compression,
    ...(codec === undefined ? {} : { codec }),
  })
  for (const key of keys) await writer.append(key, BytesWritable.encode(Buffer.alloc(200, 'picture')))
  await writer.close()
  const bytes = Buffer.from(sink.bytes)
  return { bytes, headerLength: (await SequenceFileReader.open(new MemorySource(bytes))).headerLength }
}

async function refuses(bytes: Uint8Array): Promise<void> {
  const taken = await bytesTaken(async () => {
    await expect(
      (async () => collect(await SequenceFileReader.open(new MemorySource(bytes, 'absurd'))))(),
    ).rejects.toMatchObject({ code: expect.stringMatching(/FORMAT|TRUNCATED|UNSUPPORTED/) })
  })
  expect(taken).toBeLessThan(100_000_000)
}

test.each(['NONE', 'RECORD'] as const)('a record of 2^31-1 bytes in a small %s file', async (mode) => {
  const { bytes, headerLength } = await sequenceFile(mode)
  for (const at of [headerLength, headerLength + 4]) {
    const damaged = Buffer.from(bytes)
    damaged.set(huge, at)
    await refuses(damaged)
    damaged.writeInt32BE(-2, at)
    await refuses(damaged)
  }
  const both = Buffer.from(bytes)
  both.set(huge, headerLength)
  both.set(huge, headerLength + 4)
  await refuses(both)
})

test.each([
  'default',
  'gzip',
  'snappy',
  'lz4',
  'zstd',
])('a %s block whose parts, one after the other, state 2^31-1', async (codec) => {
  const { bytes, headerLength } = await sequenceFile('BLOCK', codec)
  // Its records, then the length of its first part.
  const counts = headerLength + SYNC_BYTES
  for (const at of [counts, counts + 1]) {
    await refuses(Buffer.concat([bytes.subarray(0, at), encodeVInt(HUGE), bytes.subarray(at + 1)]))
    await refuses(Buffer.concat([bytes.subarray(0, at), encodeVInt(-1), bytes.subarray(at + 1)]))
  }
})

test('a header whose class names or metadata state 2^31-1', async () => {
  const { bytes } = await sequenceFile('NONE')
  const magic = bytes.subarray(0, 4)
  await refuses(Buffer.concat([magic, encodeVInt(HUGE), bytes.subarray(5)]))
  const metadata = bytes.indexOf(syncMarker) - 4
  const damaged = Buffer.from(bytes)
  damaged.set(huge, metadata)
  await refuses(damaged)
})

test.each(['snappy', 'lz4'])('a %s value whose frames and chunks state 2^31-1', async (name) => {
  const codec = await loadCodec(name)
  const compressed = Buffer.from(codec.compress!(Buffer.alloc(5000, 'picture')))
  for (const at of [0, 4]) {
    const damaged = Buffer.from(compressed)
    damaged.set(huge, at)
    const taken = await bytesTaken(async () => {
      expect(() => codec.decompress(damaged, HUGE)).toThrow(expect.objectContaining({ code: 'FORMAT' }))
    })
    expect(taken).toBeLessThan(100_000_000)
  }
})

test('a zstd frame that states 2^31-1 bytes of content', async () => {
  const codec = await loadCodec('zstd')
  // Magic; single segment with a content size of 4 bytes, little-endian; one empty last block.
  const frame = Buffer.from('28b52ffda0ffffff7f010000', 'hex')
  const taken = await bytesTaken(async () => {
    expect(() => codec.decompress(frame, HUGE)).toThrow(expect.objectContaining({ code: 'FORMAT' }))
  })
  expect(taken).toBeLessThan(100_000_000)
})

/** A MapFile whose index is another one: its entries are given as they are to stand there. */
async function withIndex(positionOf: (record: number, position: number) => number, records = keys.length) {
  const file = new MemoryMapFile(false)
  const writer = await MapFileWriter.create(file, classes)
  const positions: number[] = []
  for (const key of keys.slice(0, records)) {
    positions.push(writer.position)
    await writer.append(key, BytesWritable.encode(Buffer.alloc(200, 'picture')))
  }
  await writer.close()
  const sink = new MemorySink()
  const index = await createSequenceFileWriter(sink, {
    ...classes,
    valueClass: LongWritable.className,
    compression: 'BLOCK',
  })
  for (const [i, key] of keys.entries()) {
    await index.append(key, LongWritable.encode(positionOf(i, positions[i] ?? i * 247 + 200)))
  }
  await index.close()
  const sources = { data: file.sources.data, index: new MemorySource(sink.bytes, 'index') }
  return MapFileReader.open(sources)
}

test.each([
  ['past the end', (_: number, position: number) => position + 1_000_000, 'TRUNCATED'],
  ['far past the end', () => 2 ** 52, 'TRUNCATED'],
  ['before the first record', () => 3, 'FORMAT'],
  ['below zero', () => -1, 'FORMAT'],
  ['into a record', (_: number, position: number) => position + 11, 'FORMAT|TRUNCATED'],
  [
    'to the record before',
    (i: number, position: number) => (i === 0 ? position : position - 1),
    'FORMAT|TRUNCATED',
  ],
])('an index that points %s: a lookup names the file and where', async (_, positionOf, code) => {
  const reader = await withIndex(positionOf)
  const taken = await bytesTaken(async () => {
    await expect(reader.get(keys[20]!)).rejects.toMatchObject({
      code: expect.stringMatching(code),
      details: { file: 'data', offset: expect.any(Number) },
    })
  })
  expect(taken).toBeLessThan(100_000_000)
})

test('an index newer than its data: lookups of what is there work, of what is not are errors', async () => {
  const reader = await withIndex((_, position) => position, 30)

  expect((await reader.get(keys[10]!))?.value).toEqual(
    Buffer.from(BytesWritable.encode(Buffer.alloc(200, 'picture'))),
  )
  await expect(reader.get(keys[35]!)).rejects.toMatchObject({ code: 'TRUNCATED', details: { file: 'data' } })
  await expect(reader.finalKey()).rejects.toMatchObject({ code: 'TRUNCATED' })
})

test('an index of other keys than the data has', async () => {
  const file = new MemoryMapFile(false)
  const writer = await MapFileWriter.create(file, classes)
  for (const key of keys) {
    await writer.append(Text.encode(`old-${Text.decode(key)}`), BytesWritable.encode(Buffer.alloc(200)))
  }
  await writer.close()
  const newer = new MemoryMapFile(false)
  const other = await MapFileWriter.create(newer, classes)
  for (const key of keys) await other.append(key, BytesWritable.encode(Buffer.alloc(204)))
  await other.close()
  const reader = await MapFileReader.open({ data: file.sources.data, index: newer.sources.index })

  await expect(reader.get(keys[7]!)).rejects.toMatchObject({ code: 'FORMAT', details: { file: 'data' } })
})
