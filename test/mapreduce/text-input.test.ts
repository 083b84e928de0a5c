import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError, TruncatedError, UnsupportedError, UsageError } from '../../src/errors.js'
import { resolveUri } from '../../src/fs/resolve.js'
import { MemorySink } from '../../src/io/byte-sink.js'
import { loadWritingCodec } from '../../src/io/codecs/index.js'
import { createSequenceFileWriter } from '../../src/io/sequence-file/index.js'
import { BytesWritable, LongWritable, Text, type Writable } from '../../src/io/writables/index.js'
import {
  type InputDefinition,
  keyValueTextInput,
  nLineInput,
  PICTURES,
  recordInput,
  textInput,
} from '../../src/mapreduce/input/input-definition.js'
import type { InputRecord, InputSplit } from '../../src/mapreduce/input/input-format.js'
import { type InputOptions, openInputs } from '../../src/mapreduce/input/inputs.js'
import { openRecordReader } from '../../src/mapreduce/input/record-reader.js'
import { temporaryFolder } from '../temporary-folder.js'
import { writeMapFile } from './stored-folder.js'

const MANY_BYTES = 1024 * 1024

interface Planned {
  splits: InputSplit[]
  left: Map<string, number>
  /** The records of each split. */
  read(): Promise<InputRecord[][]>
}

async function plan(
  uris: string | string[],
  definition: InputDefinition<unknown>,
  { splitBytes = MANY_BYTES, ...options }: InputOptions & { splitBytes?: number } = {},
): Promise<Planned> {
  const jobFolder = resolveUri(await temporaryFolder())
  const { inputs, left } = await openInputs([uris].flat(), jobFolder, options, definition)
  const splits: InputSplit[] = []
  for (const input of inputs) for await (const split of input.getSplits(splitBytes)) splits.push(split)
  return { splits, left, read: () => Promise.all(splits.map((split) => readSplit(split, definition))) }
}

async function readSplit(split: InputSplit, input: InputDefinition<unknown>): Promise<InputRecord[]> {
  await using reader = await openRecordReader(split, {
    jobId: `job_${Math.random()}`,
    input,
    signal: new AbortController().signal,
    readAheadBytes: MANY_BYTES,
  })
  const records: InputRecord[] = []
  while (await reader.fill()) {
    for (let record = reader.next(); record; record = reader.next()) records.push(record)
  }
  return records
}

async function valuesOf(planned: Planned): Promise<unknown[]> {
  return (await planned.read()).flat().map((record) => (record.item as { value: unknown }).value)
}

async function writeFiles(files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = await temporaryFolder()
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  return folder
}

async function writeSequenceFile<K, V>(
  path: string,
  key: Writable<K>,
  value: Writable<V>,
  records: readonly (readonly [K, V])[],
): Promise<void> {
  const sink = new MemorySink()
  const writer = await createSequenceFileWriter(sink, {
    keyClass: key.className,
    valueClass: value.className,
    syncMarker: Buffer.alloc(16, 'sync-marker-here'),
    syncInterval: 50,
  })
  for (const [k, v] of records) await writer.append(key.encode(k), value.encode(v))
  await writer.close()
  await writeFile(path, sink.bytes)
}

const lines = (count: number, word = 'line') => Array.from({ length: count }, (_, i) => `${word} ${i}`)

describe('Text as an input', () => {
  it('gives each line once, in order, however many files there are and however large the splits', async () => {
    const file = fc.array(fc.string({ unit: fc.constantFrom('a', 'ß', ' ', '日') }), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(file, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        async (contents, splitBytes, end) => {
          const files = contents.map((each, i) => [`${i}.txt`, each.map((line) => line + end).join('')])
          const folder = await writeFiles(Object.fromEntries(files))
          const planned = await plan(folder, textInput(), { splitBytes })
          expect(await valuesOf(planned)).toEqual(contents.flat())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('calls a line by its file and offset, and keeps its bytes', async () => {
    const folder = await writeFiles({ 'a.txt': 'one\ntwø\n' })
    const [records] = await (await plan(join(folder, 'a.txt'), textInput())).read()
    expect(records).toHaveLength(2)
    const { key, value, valueBytes, item } = records![1]!
    expect(Buffer.from(key).toString()).toBe(`${folder}/a.txt:4`)
    expect(Buffer.from(value).toString()).toBe('twø')
    expect(valueBytes).toBe(4)
    expect(item).toEqual({ key: 4, value: 'twø' })
  })

  it('divides large files and combines small ones', async () => {
    const small = Object.fromEntries(lines(50, 'small').map((line, i) => [`b/${10 + i}.txt`, `${line}\n`]))
    const large = lines(1000).map((line) => `${line}\n`)
    const folder = await writeFiles({ 'a.txt': large.join(''), ...small, 'c.txt': '' })
    const planned = await plan(folder, textInput(), { splitBytes: 1000 })
    const kinds = planned.splits.map((split) => split.kind)
    expect(kinds.filter((kind) => kind === 'text').length).toBeGreaterThan(5)
    expect(kinds.filter((kind) => kind === 'text-files')).toHaveLength(1)
    expect(await valuesOf(planned)).toEqual([...lines(1000), ...lines(50, 'small')])
  })

  it('takes what is in folders in the order of its bytes, and no hidden names', async () => {
    const folder = await writeFiles({
      'b/x.txt': 'b/x',
      'b-1.txt': 'b-1',
      'b.log': 'b.log',
      'Z.txt': 'Z',
      'ä.txt': 'ä',
      _SUCCESS: 'hidden',
      '.b.txt.crc': 'hidden',
      '_logs/a.txt': 'hidden',
    })
    expect(await valuesOf(await plan(folder, textInput()))).toEqual(['Z', 'b-1', 'b.log', 'b/x', 'ä'])
  })

  it('takes globs, several inputs, and what --include and --exclude say', async () => {
    const folder = await writeFiles({ 'a.log': 'a', 'b.log': 'b', 'c.txt': 'c', 'd/e.log': 'e' })
    expect(await valuesOf(await plan(`${folder}/*.log`, textInput()))).toEqual(['a', 'b'])
    const several = [join(folder, 'd'), join(folder, 'c.txt')]
    expect(await valuesOf(await plan(several, textInput()))).toEqual(['e', 'c'])
    const chosen = await plan(folder, textInput(), { include: ['*.log'], exclude: ['b.*'] })
    expect(await valuesOf(chosen)).toEqual(['a', 'e'])
    expect(Object.fromEntries(chosen.left)).toEqual({ '.log': 1, '.txt': 1 })
  })

  it('refuses a folder without files, a MapFile and a SequenceFile', async () => {
    const folder = await writeFiles({ 'empty/_hidden': '' })
    await expect(plan(join(folder, 'empty'), textInput())).rejects.toThrow(UsageError)
    await writeMapFile(join(folder, 'map'), [['k', 'v']])
    await expect(plan(join(folder, 'map'), textInput())).rejects.toThrow(
      /the job takes lines of text and it is a MapFile; recordInput/,
    )
    await writeSequenceFile(join(folder, 'file'), Text, BytesWritable, [])
    const planned = await plan(join(folder, 'file'), textInput())
    await expect(planned.read()).rejects.toThrow(/it begins as a SequenceFile/)
  })

  it('is divided at the first separator of a line as key and value', async () => {
    const folder = await writeFiles({ 'a.txt': 'k\tv\tw\nkey\n\tvalue\n' })
    const [records] = await (await plan(folder, keyValueTextInput())).read()
    expect(records!.map((record) => record.item)).toEqual([
      { key: 'k', value: 'v\tw' },
      { key: 'key', value: '' },
      { key: '', value: 'value' },
    ])
    const other = await writeFiles({ 'a.txt': 'k => v\n' })
    const [[record]] = (await (await plan(other, keyValueTextInput(' => '))).read()) as [[InputRecord]]
    expect(record.item).toEqual({ key: 'k', value: 'v' })
  })
})

describe('Lines by number', () => {
  it('make splits of so many of them, of each file', async () => {
    const folder = await writeFiles({
      'a.txt': '\na\r\nb\nc\n\nd',
      'b.txt': 'e\n',
      'c.txt.gz': gzipSync(lines(5).join('\n')),
      'd.txt': '',
    })
    const planned = await plan(folder, nLineInput(2))
    const read = await planned.read()
    expect(read.map((split) => split.map(({ item }) => (item as { value: string }).value))).toEqual([
      ['', 'a'],
      ['b', 'c'],
      ['', 'd'],
      ['e'],
      ['line 0', 'line 1'],
      ['line 2', 'line 3'],
      ['line 4'],
    ])
    expect(planned.splits.map((split) => split.records)).toEqual([2, 2, 2, 1, 2, 2, 1])
  })

  it('come once each for any text and any number', async () => {
    const text = fc.array(fc.constantFrom('\n', '\r\n', '\r', 'x', 'yz'), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), async (parts, count) => {
        const folder = await writeFiles({ 'a.txt': parts.join('') })
        const all = await (await plan(folder, textInput())).read()
        const planned = await plan(folder, nLineInput(count))
        const read = await planned.read()
        expect(read.flat().map(({ item }) => item)).toEqual(all.flat().map(({ item }) => item))
        expect(read.slice(0, -1).every((split) => split.length === count)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

describe('Compressed text', () => {
  const text = Buffer.from(
    lines(50_000)
      .map((line) => `${line}\n`)
      .join(''),
  )

  it('is read as the text that it holds, whatever its codec, and never divided', async () => {
    const folder = await temporaryFolder()
    for (const [extension, codec] of [
      ['gz', 'gzip'],
      ['deflate', 'deflate'],
      ['zst', 'zstd'],
      ['snappy', 'snappy'],
      ['lz4', 'lz4'],
    ] as const) {
      const path = join(folder, `text.${extension}`)
      await writeFile(path, (await loadWritingCodec(codec)).compress(text))
      const planned = await plan(path, textInput(), { splitBytes: 1000 })
      expect(planned.splits, extension).toHaveLength(1)
      expect(await valuesOf(planned), extension).toEqual(lines(50_000))
    }
  })

  it('by bzip2 too, of several streams', async () => {
    // "line one\nline two\n" by bzip2.
    const stream = Buffer.from(
      'QlpoOTFBWSZTWYx3v94AAATRgAAQQAACJYSAIAAxBkxAyGmmjwssIJicJ4u5IpwoSEY73+8A',
      'base64',
    )
    const folder = await writeFiles({ 'text.bz2': Buffer.concat([stream, stream]) })
    const values = await valuesOf(await plan(folder, textInput()))
    expect(values).toEqual(['line one', 'line two', 'line one', 'line two'])
  })

  it('of several gzip members is all of them', async () => {
    const folder = await writeFiles({ 'a.gz': Buffer.concat([gzipSync('one\ntw'), gzipSync('o\nthree')]) })
    expect(await valuesOf(await plan(folder, textInput()))).toEqual(['one', 'two', 'three'])
  })

  it('that is cut short or damaged is an error that names the file', async () => {
    const compressed = gzipSync(text)
    const damaged = Buffer.from(compressed)
    damaged[compressed.length >> 1]! ^= 0xff
    const folder = await writeFiles({
      'cut.gz': compressed.subarray(0, compressed.length - 100),
      'damaged.gz': damaged,
      'none.deflate': 'no zlib',
      'cut.deflate': deflateSync(text).subarray(0, 1000),
      'none.zst': 'no zstd',
      'cut.snappy': (await loadWritingCodec('snappy')).compress(text).slice(0, 1000),
      'none.bz2': 'no bzip2',
    })
    const reading = async (name: string) => (await plan(join(folder, name), textInput())).read()
    await expect(reading('cut.gz')).rejects.toThrow(TruncatedError)
    await expect(reading('cut.deflate')).rejects.toThrow(TruncatedError)
    for (const name of ['cut.gz', 'damaged.gz', 'none.deflate', 'none.zst', 'cut.snappy', 'none.bz2']) {
      await expect(reading(name), name).rejects.toThrow(FormatError)
      await expect(reading(name), name).rejects.toThrow(join(folder, name))
    }
  })
})

describe('Records as an input', () => {
  const records = Array.from({ length: 200 }, (_, i) => [BigInt(i), `value ${i}`] as const)
  const items = records.map(([key, value]) => ({ key, value }))

  it('are those of SequenceFiles and MapFiles of the classes, decoded', async () => {
    const folder = await temporaryFolder()
    await writeSequenceFile(join(folder, 'a.seq'), LongWritable, Text, records)
    const planned = await plan(folder, recordInput(LongWritable, Text), { splitBytes: 500 })
    expect(planned.splits.length).toBeGreaterThan(3)
    const read = (await planned.read()).flat()
    expect(read.map(({ item }) => item)).toEqual(items)
    expect(Buffer.from(read[0]!.key).toString()).toMatch(/a\.seq:\d+$/)

    await writeMapFile(join(folder, 'maps/one'), [['k', 'v']])
    const [[record]] = (await (
      await plan(join(folder, 'maps'), recordInput(Text, BytesWritable))
    ).read()) as [[InputRecord]]
    expect(record.item).toEqual({ key: 'k', value: Uint8Array.of(0x76) })
  })

  it('of other classes are refused, and so are files that are none', async () => {
    const folder = await writeFiles({ 'a.txt': 'text' })
    const file = join(folder, 'a.seq')
    await writeSequenceFile(file, LongWritable, Text, records)
    const wrong = plan(file, recordInput(Text, LongWritable))
    await expect(wrong).rejects.toThrow(UnsupportedError)
    await expect(wrong).rejects.toThrow(
      /its records are org\.apache\.hadoop\.io\.LongWritable and org\.apache\.hadoop\.io\.Text, not Text and LongWritable/,
    )
    await expect(plan(file, PICTURES)).rejects.toThrow(/as pictures/)
    await expect(plan(join(folder, 'a.txt'), recordInput(Text, Text))).rejects.toThrow(UnsupportedError)
    const text = await writeFiles({ 'a.txt': 'text' })
    await expect(plan(text, recordInput(Text, Text))).rejects.toThrow(/no MapFile or SequenceFile/)
  })

  it('that are not what their class writes come with their problem', async () => {
    const folder = await temporaryFolder()
    const broken: Writable<string> = { ...Text, encode: () => Buffer.from([100, 1]) }
    await writeSequenceFile(join(folder, 'a.seq'), LongWritable, broken, [[1n, '']])
    const [[record]] = (await (
      await plan(join(folder, 'a.seq'), recordInput(LongWritable, Text))
    ).read()) as [[InputRecord]]
    expect(record.problem).toBeInstanceOf(FormatError)
    expect(record.value).toEqual(new Uint8Array([100, 1]))
  })
})
