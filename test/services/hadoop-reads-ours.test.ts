import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { MemorySink } from '../../src/io/byte-sink.js'
import { MemorySource } from '../../src/io/byte-source.js'
import { hashPartition } from '../../src/io/hash.js'
import {
  MapFileReader,
  MapFileWriter,
  type MapFileWriterOptions,
  type PackedIndex,
} from '../../src/io/map-file/index.js'
import {
  createSequenceFileWriter,
  SequenceFileReader,
  type SequenceFileWriterOptions,
  StreamDigest,
  streamSha256,
} from '../../src/io/sequence-file/index.js'
import {
  BooleanWritable,
  BytesWritable,
  ByteWritable,
  DoubleWritable,
  FloatWritable,
  IntWritable,
  LongWritable,
  MapWritable,
  MD5Hash,
  NullWritable,
  ShortWritable,
  Text,
  VIntWritable,
  VLongWritable,
} from '../../src/io/writables/index.js'
import { EXAMPLES, manyPictures } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { javaTool } from './hadoop/java.js'

interface Verified {
  path: string
  kind: string
  codec: string | null
  metadata: Record<string, string>
  streamSha256: string
  keyClass: string
  valueClass: string
  compression: string
  records: number
  inOrder: boolean
  indexEntries: number
  indexCorrect: boolean
  values: [string, number, string][]
  index: [string, number][]
}

interface Listed {
  key: string
  bytes: number
  part: string
  position: number
}

it('a thumbnail job: classes, keys, values, order and index', async () => {
  const output = join(await temporaryFolder(), 'out')
  await runJobCommand(['thumbnail', '--input', EXAMPLES, '--output', output])
  const { stdout, code } = await javaTool('VerifyMapFile', ['--values', '--index', output])
  expect(code).toBe(0)

  const [part] = jsonLines<Verified>(stdout)
  expect(part).toMatchObject({
    kind: 'MapFile',
    keyClass: 'org.apache.hadoop.io.Text',
    valueClass: 'org.apache.hadoop.io.BytesWritable',
    compression: 'NONE',
    records: 11,
    inOrder: true,
    indexEntries: 11,
    indexCorrect: true,
  })
  const ours = jsonLines<Listed>((await pixelreduce(['ls', output, '--json'])).out)
  expect(part!.index).toEqual(ours.map(({ key, position }) => [key, position]))
  for (const [key, length, sha256] of part!.values) {
    const { stdout: bytes } = await pixelreduce(['get', output, key])
    expect([length, sha256]).toEqual([bytes.length, createHash('sha256').update(bytes).digest('hex')])
  }
})

it('parts joined and merged, and every key by getEntry in a one-part output', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 400)
  await writeFile(
    join(folder, 'shuffle.ts'),
    `import { defineJob } from 'pixelreduce'
     export default defineJob({ name: 'shuffle', map: (image, { emit }) => emit([...image.key].reverse().join(''), image.bytes) })`,
  )
  for (const [name, job, interval] of [
    ['joined', 'pack', '1'],
    ['merged', join(folder, 'shuffle.ts'), '1'],
    ['sparse', 'pack', '7'],
  ] as const) {
    const output = join(folder, name)
    const args = ['-i', input, '-o', output, '--splits', '9', '--index-interval', interval]
    expect((await runJobCommand([job, ...args])).code).toBe(0)
    const ours = jsonLines<Listed>((await pixelreduce(['ls', output, '--json'])).out)
    await writeFile(join(folder, 'keys'), ours.map(({ key }) => key).join('\n'))

    const { stdout, code } = await javaTool('VerifyMapFile', ['--keys', join(folder, 'keys'), output])
    expect(code).toBe(0)
    const lines = jsonLines<Record<string, unknown>>(stdout)
    expect(lines.find((line) => line.kind === 'MapFile')).toMatchObject({
      records: 400,
      inOrder: true,
      indexCorrect: true,
    })
    const lookups = lines.filter((line) => 'get' in line)
    expect(lookups).toHaveLength(400)
    expect(lookups.filter((lookup) => lookup.found !== true)).toEqual([])
  }
})

it.each([
  'name',
  'hash',
])('the parts of reducers, each key (by %s) where HashPartitioner puts it', async (key) => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 200)
  const output = join(folder, 'out')
  const args = ['-i', input, '-o', output, '--splits', '5', '--reducers', '4', '--key', key]
  expect((await runJobCommand(['pack', ...args])).code).toBe(0)
  const ours = jsonLines<Listed>((await pixelreduce(['ls', output, '--json'])).out)
  await writeFile(join(folder, 'keys'), ours.map((record) => record.key).join('\n'))

  const { stdout, code } = await javaTool('VerifyMapFile', ['--keys', join(folder, 'keys'), output])
  expect(code).toBe(0)
  const lines = jsonLines<Record<string, unknown>>(stdout)
  const files = lines.filter((line) => line.kind === 'MapFile')
  expect(files.map(({ inOrder, indexCorrect }) => [inOrder, indexCorrect])).toEqual(
    files.map(() => [true, true]),
  )
  expect(files.reduce((sum, { records }) => sum + (records as number), 0)).toBe(200)
  const lookups = lines.filter((line) => 'get' in line)
  expect(lookups).toHaveLength(200)
  expect(lookups.filter((lookup) => lookup.found !== true)).toEqual([])
})

it('a quarantine', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 20)
  await writeFile(join(input, 'set-0', 'bad.jpg'), 'bad')
  await runJobCommand(['thumbnail', '-i', input, '-o', join(folder, 'out')])
  const { stdout, code } = await javaTool('VerifyMapFile', [
    '--values',
    join(folder, 'out', '_quarantine', 'part-m-00000'),
  ])
  expect(code).toBe(0)
  const [part] = jsonLines<Verified>(stdout)
  const bytes = await readFile(join(input, 'set-0', 'bad.jpg'))
  expect(part!.values).toEqual([['set-0/bad.jpg', 3, createHash('sha256').update(bytes).digest('hex')]])
})

/** What Hadoop's Java alone can read: its Zstandard needs a native library. */
const CODECS = {
  default: 'DefaultCodec',
  deflate: 'DeflateCodec',
  gzip: 'GzipCodec',
  snappy: 'SnappyCodec',
  lz4: 'Lz4Codec',
}
const MODES = [
  { compression: 'NONE' as const },
  ...(['RECORD', 'BLOCK'] as const).flatMap((compression) =>
    Object.keys(CODECS).map((codec) => ({ compression, codec })),
  ),
]
const METADATA: [string, string][] = [
  ['camera', 'cam-7'],
  ['größe', '大きい'],
  ['empty', ''],
]
const syncMarker = createHash('md5').update('hadoop reads ours').digest()

type Entry = readonly [key: Uint8Array, value: Uint8Array]

const codecClass = ({ codec }: { compression?: string; codec?: string }) =>
  codec === undefined ? null : `org.apache.hadoop.io.compress.${CODECS[codec as keyof typeof CODECS]}`

/** Bytes that follow from a seed; one half repeats itself, so that there is something to compress. */
function noise(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0, x = seed + 1; i < length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0
    bytes[i] = i > 64 && i < length / 2 ? bytes[i - 64]! : x >>> 16
  }
  return bytes
}

const sha256Of = (entries: readonly Entry[]) => {
  const digest = new StreamDigest()
  for (const [key, value] of entries) digest.update({ key, value })
  return digest.digest()
}

async function writeMapFile(
  folder: string,
  entries: readonly Entry[],
  options: Partial<MapFileWriterOptions>,
): Promise<{ folder: string; sources: { data: MemorySource; index: MemorySource } }> {
  const data = new MemorySink('data')
  const index = new MemorySink('index')
  const classes = { keyClass: Text.className, valueClass: BytesWritable.className }
  const writer = await MapFileWriter.create({ data, index }, { ...classes, syncMarker, ...options })
  for (const [key, value] of entries) await writer.append(key, value)
  await writer.close()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'data'), data.bytes)
  await writeFile(join(folder, 'index'), index.bytes)
  return { folder, sources: { data: new MemorySource(data.bytes), index: new MemorySource(index.bytes) } }
}

/** The index as Hadoop's side of the test prints it. */
async function indexOf(sources: { data: MemorySource; index: MemorySource }): Promise<[string, number][]> {
  const index: PackedIndex = await (await MapFileReader.open(sources)).index()
  return Array.from({ length: index.count }, (_, i) => [Text.decode(index.key(i)), index.position(i)])
}

/** Keys of no, one and many bytes, in the order of their UTF-8; some twice and thrice where that is asked. */
function pictureEntries(withDuplicates: boolean): Entry[] {
  const names = ['', ' ', '~', 'é.jpg', 'ﬀ', '日本/写真.jpg', '\u{1f4f7}/0001.jpg', '\ufb01', 'x'.repeat(300)]
  for (let i = 0; i < 250; i++) names.push(`cam-${i % 3}/${String(i).padStart(5, '0')}.jpg`)
  if (withDuplicates)
    names.push('', 'cam-1/00001.jpg', 'cam-1/00001.jpg', ...Array(9).fill('cam-2/00101.jpg'))
  const keys = [...names].map((name) => Buffer.from(name)).sort(Buffer.compare)
  const sizes = [0, 600_000, 1, 17, 0, 2000, 300_000]
  return keys.map((key, i) => [
    Text.fromUtf8(key),
    BytesWritable.encode(noise(i, sizes[i] ?? (i * 37) % 900)),
  ])
}

it('MapFiles written by the formats alone, in each mode with each codec, whole and by key', async () => {
  const folder = await temporaryFolder()
  const intervals = [1, 7, 128]
  const files = []
  for (const [i, mode] of MODES.entries()) {
    for (const withDuplicates of [false, true]) {
      const entries = pictureEntries(withDuplicates)
      const options = {
        ...mode,
        metadata: METADATA,
        indexInterval: intervals[(i + Number(withDuplicates)) % intervals.length]!,
        ...(i % 2 === 0 ? {} : { blockSize: 10_000, syncInterval: 2000 }),
      }
      const path = join(folder, `${mode.compression}-${codecClass(mode)}-${withDuplicates}`)
      files.push({ options, entries, ...(await writeMapFile(path, entries, options)) })
    }
  }
  const keys = [...new Set(files[0]!.entries.map(([key]) => Text.decode(key)))]
  await writeFile(join(folder, 'keys'), keys.map((key) => `${key}\n`).join(''))

  const read = await javaTool('VerifyMapFile', [
    '--index',
    '--keys',
    join(folder, 'keys'),
    ...files.map((file) => file.folder),
  ])

  expect(read).toMatchObject({ code: 0, stderr: '' })
  const lines = jsonLines<Verified & { get?: string; found?: boolean; sha256?: string }>(read.stdout)
  for (const { folder: path, options, entries, sources } of files) {
    const [verified, ...lookups] = lines.filter((line) => line.path === path)
    expect(verified, path).toMatchObject({
      compression: options.compression,
      codec: codecClass(options),
      metadata: Object.fromEntries(METADATA),
      records: entries.length,
      streamSha256: sha256Of(entries),
      inOrder: true,
      indexCorrect: true,
    })
    expect(verified!.index, path).toEqual(await indexOf(sources))
    expect(lookups.map((lookup) => lookup.get)).toEqual(keys)
    expect(
      lookups.filter((lookup) => !lookup.found).map((lookup) => lookup.get),
      path,
    ).toEqual([])
    const values = new Map<string, string[]>()
    for (const [key, value] of entries) {
      const sha256 = createHash('sha256').update(BytesWritable.decode(value)).digest('hex')
      values.set(Text.decode(key), [...(values.get(Text.decode(key)) ?? []), sha256])
    }
    for (const { get, sha256 } of lookups) expect(values.get(get!), `${path} ${get}`).toContain(sha256)
  }
})

it('parts spread by our hash: MapFileOutputFormat.getEntry finds each key in them, and in one part', async () => {
  const folder = await temporaryFolder()
  const entries = pictureEntries(false)
  const outputs = []
  for (const [i, parts] of [1, 3, 7].entries()) {
    const output = join(folder, `parts-${parts}`)
    for (let part = 0; part < parts; part++) {
      const own = entries.filter(([key]) => hashPartition(Text.hashCode(key), parts) === part)
      expect(own.length).toBeGreaterThan(0)
      const name = `part-r-${String(part).padStart(5, '0')}`
      await writeMapFile(join(output, name), own, { ...MODES[i * 5]!, indexInterval: 7 })
    }
    await writeFile(join(output, '_SUCCESS'), '')
    outputs.push({ output, parts })
  }
  const keys = entries.map(([key]) => Text.decode(key))
  await writeFile(join(folder, 'keys'), keys.map((key) => `${key}\n`).join(''))

  const paths = outputs.map(({ output }) => output)
  const read = await javaTool('VerifyMapFile', ['--keys', join(folder, 'keys'), ...paths])

  expect(read).toMatchObject({ code: 0, stderr: '' })
  const lines = jsonLines(read.stdout)
  for (const { output, parts } of outputs) {
    const own = lines.filter((line) => line.path === output)
    expect(own[0]).toMatchObject({ kind: 'JobOutput', parts, records: entries.length })
    expect(own.slice(1).map(({ get, found, part, sha256 }) => ({ get, found, part, sha256 }))).toEqual(
      entries.map(([key, value]) => ({
        get: Text.decode(key),
        found: true,
        part: `part-r-${String(hashPartition(Text.hashCode(key), parts)).padStart(5, '0')}`,
        sha256: createHash('sha256').update(BytesWritable.decode(value)).digest('hex'),
      })),
    )
  }
})

const longs = [0n, 1n, -1n, 127n, -112n, -113n, 128n, 2n ** 31n, -(2n ** 31n), 2n ** 63n - 1n, -(2n ** 63n)]
const ints = [0, 1, -1, 127, -112, -113, 128, 255, 65_536, 2 ** 31 - 1, -(2 ** 31)]
const floats = [0, -0, 1.5, -1e-30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]
const map = (value: string) => [
  { keyClass: Text.className, key: `größe ${value}`, valueClass: DoubleWritable.className, value: 0.5 },
]
const nested = [
  { keyClass: IntWritable.className, key: 1, valueClass: MapWritable.className, value: map('in') },
]

/** Values of every class, serialized. */
const WRITABLES: Record<string, { className: string; values: Uint8Array[] }> = {
  Text: {
    className: Text.className,
    values: ['', 'a', 'é', '日本', '\u{1f4f7}', 'x'.repeat(127), 'y'.repeat(128), 'z'.repeat(600_000)].map(
      Text.encode,
    ),
  },
  Bytes: {
    className: BytesWritable.className,
    values: [0, 1, 600_000, 0].map((n) => BytesWritable.encode(noise(n, n))),
  },
  Null: { className: NullWritable.className, values: [null, null, null].map(NullWritable.encode) },
  Boolean: { className: BooleanWritable.className, values: [true, false].map(BooleanWritable.encode) },
  Byte: { className: ByteWritable.className, values: [0, 1, -1, 127, -128].map(ByteWritable.encode) },
  Short: {
    className: ShortWritable.className,
    values: [0, 1, -1, 32_767, -32_768].map(ShortWritable.encode),
  },
  Int: { className: IntWritable.className, values: ints.map(IntWritable.encode) },
  Long: { className: LongWritable.className, values: longs.map((n) => LongWritable.encode(n)) },
  VInt: { className: VIntWritable.className, values: ints.map(VIntWritable.encode) },
  VLong: { className: VLongWritable.className, values: longs.map((n) => VLongWritable.encode(n)) },
  Float: { className: FloatWritable.className, values: floats.map(FloatWritable.encode) },
  Double: { className: DoubleWritable.className, values: floats.map(DoubleWritable.encode) },
  MD5: {
    className: MD5Hash.className,
    values: ['', 'a'].map((text) => MD5Hash.encode(createHash('md5').update(text).digest())),
  },
  Map: { className: MapWritable.className, values: [[], map('out'), nested].map(MapWritable.encode) },
}

it('SequenceFiles of every common class as key and as value, in each mode with each codec', async () => {
  const folder = await temporaryFolder()
  const classes = Object.values(WRITABLES)
  const files = []
  for (const [i, mode] of MODES.entries()) {
    for (const [at, value] of classes.entries()) {
      // Each mode meets each class as a value, and with other keys than the mode before.
      const key = classes[(at + i) % classes.length]!
      const count = Math.max(key.values.length, value.values.length)
      const entries = Array.from(
        { length: count },
        (_, n): Entry => [key.values[n % key.values.length]!, value.values[n % value.values.length]!],
      )
      const options: SequenceFileWriterOptions = {
        keyClass: key.className,
        valueClass: value.className,
        syncMarker,
        metadata: METADATA,
        ...mode,
        ...(at % 2 === 0 ? {} : { syncInterval: 50, blockSize: 50 }),
      }
      const sink = new MemorySink()
      const writer = await createSequenceFileWriter(sink, options)
      for (const [k, v] of entries) await writer.append(k, v)
      await writer.close()
      const path = join(folder, `${i}-${at}.seq`)
      await writeFile(path, sink.bytes)
      files.push({ path, entries, options, value })
    }
  }

  const read = await javaTool('VerifyMapFile', ['--values', ...files.map((file) => file.path)])

  expect(read).toMatchObject({ code: 0, stderr: '' })
  const lines = jsonLines<Verified>(read.stdout)
  for (const [i, { path, entries, options }] of files.entries()) {
    expect(lines[i]).toMatchObject({
      path,
      kind: 'SequenceFile',
      keyClass: options.keyClass,
      valueClass: options.valueClass,
      compression: options.compression,
      codec: codecClass(options),
      metadata: Object.fromEntries(METADATA),
      records: entries.length,
      streamSha256: sha256Of(entries),
    })
    // What Hadoop makes of each value and writes out again.
    const payload = ([, value]: Entry) =>
      options.valueClass === Text.className
        ? Text.utf8(value)
        : options.valueClass === BytesWritable.className
          ? BytesWritable.decode(value)
          : value
    expect(lines[i]!.values.map(([, length, sha256]) => [length, sha256])).toEqual(
      entries.map((entry) => [
        payload(entry).length,
        createHash('sha256').update(payload(entry)).digest('hex'),
      ]),
    )
  }
})

it('and the other way: what Hadoop writes from any seed reads here as it was written', async () => {
  const folder = await temporaryFolder()
  const kinds = { key: ['text', 'int', 'long', 'bytes'], value: ['bytes', 'text', 'long', 'null'] }
  const codecs = ['default', 'gzip', 'bzip2', 'snappy', 'lz4']
  const modes = ['RECORD', 'BLOCK'].flatMap((compression) =>
    codecs.map((codec) => [compression, codec] as const),
  )
  const args: string[] = []
  for (const [i, [compression, codec]] of [['NONE', 'default'] as const, ...modes].entries()) {
    for (const kind of ['map', 'sequence']) {
      const seed = Math.floor(Math.random() * 2 ** 31)
      const sizes = i % 3 === 0 ? ['--records', '6', '--max-bytes', '700000'] : ['--records', '300']
      args.push(...(args.length > 0 ? ['--'] : []), '--kind', kind, '--seed', String(seed), ...sizes)
      args.push('--compression', compression, '--codec', codec, '--interval', String([1, 7, 128][i % 3]))
      args.push(
        '--block-bytes',
        '20000',
        '--key',
        kinds.key[seed % 4]!,
        '--value',
        kinds.value[i % 3 === 0 ? 0 : seed % 3]!,
      )
      args.push(join(folder, `${kind}-${compression}-${codec}-${seed}`))
    }
  }

  const written = await javaTool('WriteMapFile', args)

  expect(written).toMatchObject({ code: 0, stderr: '' })
  const lines = jsonLines<Verified>(written.stdout)
  expect(lines).toHaveLength(22)
  for (const line of lines) {
    const { path, kind, keyClass, valueClass, compression, codec, records } = line
    const data = new MemorySource(await readFile(kind === 'MapFile' ? join(path, 'data') : path), path)
    const reader = await SequenceFileReader.open(data)
    expect(reader.header, path).toMatchObject({
      keyClass,
      valueClass,
      compression,
      codec: codec ?? undefined,
    })
    expect(await streamSha256(reader), path).toEqual({ records, sha256: line.streamSha256 })
    if (kind !== 'MapFile') continue
    const file = await MapFileReader.open({
      data,
      index: new MemorySource(await readFile(join(path, 'index'))),
    })
    for await (const { key, value } of (await SequenceFileReader.open(data))[Symbol.asyncIterator]()) {
      expect(Buffer.compare((await file.get(key))!.value, value), path).toBe(0)
    }
  }
})
