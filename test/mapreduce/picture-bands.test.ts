import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type RunOptions, runJob } from 'pixelreduce'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import median from '../../examples/median.js'
import { explainJob } from '../../src/engines/explain-job.js'
import { resolveUri } from '../../src/fs/resolve.js'
import { writeRows } from '../../src/image/band/rows-file.js'
import { BytesWritable, Text } from '../../src/io/writables/index.js'
import { openJob } from '../../src/mapreduce/driver/open-job.js'
import { openMapFile } from '../../src/mapreduce/map-file-folder.js'
import { photograph } from '../image/pictures.js'
import { treeOf } from '../pictures.js'
import { jsonLines, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { editFile } from './stored-folder.js'

const WIDTH = 120
const HEIGHT = 90
/** Bands of 30 rows; where 16 rows lie together, of 32. */
const BAND_PIXELS = WIDTH * 33
const SIZE = 5

const coffee = (width = WIDTH, height = HEIGHT) =>
  sharp(photograph('coffee.jpg')).resize(width, height, { fit: 'fill' })

/** Pictures that come in bands, by their keys. */
const LARGE: Record<string, () => Sharp> = {
  'baseline.jpg': () => coffee().jpeg({ quality: 95 }),
  'deep.png': () => coffee().linear(0.8, 11).toColourspace('rgb16').png(),
  'grey.png': () => coffee().greyscale().toColourspace('b-w').png(),
  'interlaced.png': () => coffee().png({ progressive: true }),
  'mirrored.png': () => coffee().png().withMetadata(orientation(2)),
  'plain.png': () => coffee().png(),
  'profile.jpg': () => coffee().withIccProfile('p3').jpeg({ quality: 95 }),
  'progressive.jpg': () => coffee().jpeg({ quality: 95, progressive: true }),
  'strip.tif': () => coffee().tiff({ compression: 'none' }),
  'tiles.tif': () => coffee().tiff({ compression: 'lzw', tile: true, tileWidth: 16, tileHeight: 16 }),
  'transparent.png': () => coffee().ensureAlpha(0.4).png(),
  'turned.jpg': () => coffee().jpeg({ quality: 95 }).withMetadata(orientation(3)),
  'upside-down.tif': () => coffee().tiff({ compression: 'none' }).withMetadata(orientation(4)),
}

/** Pictures that stay whole. */
const WHOLE: Record<string, () => Sharp> = {
  'animated.gif': () => coffee().gif(),
  'on-its-side.jpg': () => coffee().jpeg({ quality: 95 }).withMetadata(orientation(6)),
  'small.jpg': () => coffee(40, 30).jpeg(),
  'web.webp': () => coffee().webp({ quality: 90 }),
}

function orientation(value: number) {
  return { orientation: value }
}

async function write(folder: string, pictures: Record<string, () => Sharp>): Promise<void> {
  for (const [key, make] of Object.entries(pictures)) {
    const path = join(folder, key)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, await make().toBuffer())
  }
}

/** The filter in one piece: what `examples/median.ts` does to a picture of few pixels. */
async function medianOf(path: string): Promise<Buffer> {
  return sharp(path, { autoOrient: true })
    .flatten({ background: 'white' })
    .median(SIZE)
    .toColourspace('srgb')
    .raw()
    .toBuffer()
}

type Options = Partial<RunOptions> & Pick<RunOptions, 'input' | 'output'>

function runMedian(options: Options, bandPixels = BAND_PIXELS) {
  // A thread takes longer to start than these pictures take.
  return runJob(median, { workers: 1, params: { bandPixels, size: SIZE }, ...options })
}

/** The records of an output, in order. */
async function recordsOf(output: string): Promise<[key: string, value: Buffer][]> {
  const records: [string, Buffer][] = []
  const parts = (await readdir(output)).filter((name) => name.startsWith('part-')).sort()
  for (const part of parts) {
    const { fs, path } = resolveUri(join(output, part))
    await using file = await openMapFile(fs, path)
    for await (const { key, value } of file.reader.entries()) {
      records.push([Text.decode(key), Buffer.from(BytesWritable.decode(value))])
    }
  }
  return records
}

/** What can be compared, and shown, in an instant. */
function digests(records: readonly [key: string, value: Buffer][]): [string, string][] {
  return records.map(([key, value]) => [key, createHash('sha256').update(value).digest('hex')])
}

async function pixels(bytes: Buffer): Promise<Buffer> {
  return sharp(bytes).toColourspace('srgb').raw().toBuffer()
}

async function expectMedians(output: string, input: string, keys: readonly string[]): Promise<void> {
  const records = await recordsOf(output)
  expect(records.map(([key]) => key)).toEqual(keys)
  for (const [key, value] of records) {
    const expected = await medianOf(join(input, key))
    expect(Buffer.compare(await pixels(value), expected), key).toBe(0)
  }
}

/** Files of an output that must be the same however it was made. */
async function dataOf(output: string): Promise<Record<string, string>> {
  const tree = Object.entries(await treeOf(output))
  const files = tree.filter(([name]) => name !== '_SUCCESS' && !name.startsWith('_logs'))
  return Object.fromEntries(files.map(([name, bytes]) => [name, bytes.toString('base64')]))
}

describe('pictures in bands', () => {
  let folder: string
  let input: string
  const keys = Object.keys({ ...LARGE, ...WHOLE }).sort()
  const records = 3 * Object.keys(LARGE).length + Object.keys(WHOLE).length

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pixelreduce-test-'))
    input = join(folder, 'in')
    await write(input, { ...LARGE, ...WHOLE })
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('become what they become in one piece, whatever their format, colours and orientation', async () => {
    const output = join(folder, 'out')
    const { ledger, counterGroups } = await runMedian({ input, output })
    await expectMedians(output, input, keys)
    expect(ledger.read).toBe(records)
    expect(ledger).toMatchObject({ mapped: ledger.read, quarantined: 0, written: keys.length })
    expect(counterGroups.Bands).toBeUndefined()
  })

  it('of a key that two inputs have stay two pictures, in the order of the inputs', async () => {
    const other = join(folder, 'other')
    await write(other, { 'strip.tif': () => coffee().negate().tiff({ compression: 'none' }) })
    const output = join(folder, 'twice')
    await runMedian({ input: [other, join(input, 'strip.tif')], output })
    const records = await recordsOf(output)
    expect(records.map(([key]) => key)).toEqual(['strip.tif', 'strip.tif'])
    const expected = await Promise.all([other, input].map((each) => medianOf(join(each, 'strip.tif'))))
    expect(await Promise.all(records.map(([, value]) => pixels(value)))).toEqual(expected)
  })

  it('are planned from headers alone, a task for each band where any rows can be read', async () => {
    const opened = await openJob(median)
    const params = { bandPixels: BAND_PIXELS, size: SIZE }
    const explained = await explainJob(opened, { input, params })
    const bandsOf = (key: string) =>
      explained.splits
        .filter(({ bands }) => bands?.key === key)
        .map(({ bands }) => [bands!.first, bands!.next])
    const each = [
      [0, 1],
      [1, 2],
      [2, 3],
    ]
    expect(bandsOf('strip.tif')).toEqual(each)
    expect(bandsOf('tiles.tif')).toEqual(each)
    expect(bandsOf('baseline.jpg')).toEqual(each)
    expect(bandsOf('progressive.jpg')).toEqual([[0, 3]])
    expect(bandsOf('interlaced.png')).toEqual([[0, 3]])
    for (const key of Object.keys(WHOLE)) expect(bandsOf(key), key).toEqual([])
    expect(explained.records).toBe(records)
  })

  it('can be asked for alone: one picture, or one band for a closer look', async () => {
    const one = join(folder, 'one')
    const { ledger } = await runMedian({ input, output: one, only: 'tiles.tif' })
    await expectMedians(one, input, ['tiles.tif'])
    expect(ledger.read).toBe(3)

    const band = join(folder, 'one-band')
    const result = await runMedian({ input, output: band, only: 'baseline.jpg#band-0001' })
    expect(result.ledger).toMatchObject({ read: 1, mapped: 1, written: 0 })
    expect(result.counterGroups.Bands).toEqual({ 'Pictures left incomplete': 1 })
  })

  it('over a limit are refused once, as they are', async () => {
    const output = join(folder, 'limited')
    const limits = { maxPixels: WIDTH * HEIGHT - 1 }
    const { ledger, badRecords } = await runMedian({ input: join(input, 'strip.tif'), output, limits })
    expect(ledger).toMatchObject({ read: 1, quarantined: 1 })
    expect(badRecords[0]!.reason).toMatch(/^Cannot decode "strip.tif": .*raise --max-pixels/)
  })
})

describe('a damaged band', () => {
  it('is set aside with its reason, and its picture left out: cut off, or broken in its middle', async () => {
    const folder = await temporaryFolder()
    const input = join(folder, 'in')
    await write(input, { 'good.tif': LARGE['strip.tif']! })
    const jpeg = await coffee(WIDTH * 4, HEIGHT * 4)
      .jpeg({ quality: 95 })
      .toBuffer()
    await writeFile(join(input, 'cut-off.jpg'), jpeg.subarray(0, jpeg.length * 0.8))
    const strips = await plainTiff(join(folder, 'strips.tif'))
    await writeFile(join(input, 'cut-off.tif'), strips.subarray(0, 20_000))
    const tiles = await LARGE['tiles.tif']!().toBuffer()
    // libvips writes the directory behind the tiles, of which these are the last.
    tiles.fill(0xff, tiles.length - 3500, tiles.length - 1200)
    await writeFile(join(input, 'broken.tif'), tiles)

    const output = join(folder, 'out')
    const { ledger, counterGroups } = await runMedian({ input, output, maxBad: { records: 100 } })

    await expectMedians(output, input, ['good.tif'])
    expect(counterGroups.Bands).toEqual({ 'Pictures left incomplete': 3 })
    const reasons = await reasonsOf(output)
    const of = (key: string) => reasons.filter((each) => each.key.startsWith(key))
    expect(ledger.quarantined).toBe(reasons.length)
    expect(ledger.mapped + ledger.quarantined).toBe(ledger.read)
    expect(of('broken.tif').map(({ key }) => key)).toEqual(['broken.tif#band-0002'])
    expect(of('cut-off.tif').map(({ key }) => key)).toEqual([
      'cut-off.tif#band-0001',
      'cut-off.tif#band-0002',
    ])
    expect(of('cut-off.tif')[0]!.reason).toMatch(
      /^Cannot decode "cut-off.tif": rows 27 to 63 .*the file is cut off$/,
    )
    expect(of('cut-off.jpg')[0]).toMatchObject({
      stage: 'read',
      reason: expect.stringMatching(/^Cannot decode "cut-off.jpg": .*premature end/i),
    })
    const note = (await recordsOf(join(output, '_quarantine'))).find(
      ([key]) => key === 'cut-off.tif#band-0002',
    )
    expect(JSON.parse(note![1].toString())).toEqual({
      picture: 'cut-off.tif',
      band: 2,
      of: 3,
      rows: [60, 90],
    })
  })

  it('of a MapFile is known by the checksum of the picture; others come out of it as of files', async () => {
    const folder = await temporaryFolder()
    const input = join(folder, 'in')
    const keys = ['baseline.jpg', 'plain.png', 'small.jpg', 'strip.tif', 'tiles.tif', 'turned.jpg']
    const all = { ...LARGE, ...WHOLE }
    await write(input, Object.fromEntries(keys.map((key) => [key, all[key]!])))
    const packed = join(folder, 'packed')
    await runJob('pack', { input, output: packed, workers: 1 })
    await editFile(join(packed, 'part-m-00000/data'), (bytes) => {
      for (const key of ['baseline.jpg', 'strip.tif']) bytes[bytes.indexOf(key) + 6000]! ^= 1
    })
    const output = join(folder, 'out')
    const { counterGroups } = await runMedian({ input: packed, output, maxBad: { records: 100 } })
    await expectMedians(output, input, ['plain.png', 'small.jpg', 'tiles.tif', 'turned.jpg'])
    // Of the JPEG all bands were set aside.
    expect(counterGroups.Bands).toEqual({ 'Pictures left incomplete': 1 })
    const reasons = await reasonsOf(output)
    expect(reasons.map(({ key }) => key)).toEqual([
      'baseline.jpg#band-0000',
      'baseline.jpg#band-0001',
      'baseline.jpg#band-0002',
      'strip.tif#band-0000',
    ])
    expect(reasons[3]!.reason).toMatch(/^Cannot read record "strip.tif" of .*value checksum is /)
  })

  /** A TIFF whose directory stands before its strips. */
  async function plainTiff(path: string): Promise<Buffer> {
    const data = await coffee().raw().toBuffer()
    const layout = { width: WIDTH, height: HEIGHT, channels: 3, bits: 8 } as const
    async function* rows() {
      yield data
    }
    const file = await open(path, 'wx')
    await writeRows(file, { ...layout, key: 'plain', ahead: [], rows: rows() })
    await file.close()
    return readFile(path)
  }

  async function reasonsOf(output: string) {
    const text = await readFile(join(output, '_quarantine/part-m-00000/_reasons.jsonl'), 'utf8')
    return jsonLines<{ key: string; reason: string; stage: string }>(text)
  }
})

describe('the jobs for large pictures', () => {
  const keys = ['baseline.jpg', 'grey.png', 'small.jpg', 'strip.tif', 'tiles.tif', 'turned.jpg']
  let folder: string
  let input: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pixelreduce-test-'))
    input = join(folder, 'in')
    const all = { ...LARGE, ...WHOLE }
    await write(input, Object.fromEntries(keys.map((key) => [key, all[key]!])))
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('binarize to the very bytes of binarize', async () => {
    const params = { method: 'sauvola', window: 15, ink: 'auto' }
    await runJob('binarize', { input, output: join(folder, 'whole'), params, workers: 1 })
    const large = {
      input,
      output: join(folder, 'large'),
      params: { ...params, bandPixels: BAND_PIXELS },
      workers: 1,
    }
    const { ledger } = await runJob('binarize-large', large)
    expect(ledger).toMatchObject({ read: 5 * 3 + 1, written: keys.length })
    expect(digests(await recordsOf(large.output))).toEqual(digests(await recordsOf(join(folder, 'whole'))))
  })

  it('resize to the same bytes, cut or not', async () => {
    const params = { width: 50, format: 'png' }
    await runJob('resize-large', { input, output: join(folder, 'resized-whole'), params, workers: 1 })
    const output = join(folder, 'resized')
    await runJob('resize-large', {
      input,
      output,
      params: { ...params, bandPixels: BAND_PIXELS },
      workers: 1,
    })
    const records = await recordsOf(output)
    expect(digests(records)).toEqual(digests(await recordsOf(join(folder, 'resized-whole'))))
    const sizes = await Promise.all(records.map(async ([, value]) => (await sharp(value).metadata()).height))
    expect(sizes).toEqual([38, 38, 30, 38, 38, 38])
  })

  it('give the same bytes with any number of workers, and after a kill -9', async () => {
    const run = (output: string, ...more: string[]) => [
      ...['binarize-large', '-i', input, '-o', output, '--band-pixels', '1200'],
      ...more,
    ]
    const whole = join(folder, 'never-killed')
    expect((await runJobCommand(run(whole, '--workers', '1'))).code).toBe(0)
    const output = join(folder, 'killed')
    let seen = 0
    await runJobCommand(run(output, '--workers', '3', '--splits', '3', '--progress', 'json'), {
      onStderr(text, kill) {
        seen += text.split('\n').length - 1
        if (seen >= 30) kill('SIGKILL')
      },
    })
    expect((await runJobCommand(run(output, '--workers', '2', '--resume'))).code).toBe(0)
    expect(await dataOf(output)).toEqual(await dataOf(whole))
  })
})
