import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import binarizeJob from '../../jobs/binarize.js'
import convertJob from '../../jobs/convert.js'
import cropJob from '../../jobs/crop.js'
import exifJob from '../../jobs/exif.js'
import resizeJob from '../../jobs/resize.js'
import rotateJob from '../../jobs/rotate.js'
import statsJob from '../../jobs/stats.js'
import thumbnailJob from '../../jobs/thumbnail.js'
import { binarize } from '../../src/image/binarize.js'
import { convert } from '../../src/image/convert.js'
import { crop } from '../../src/image/crop.js'
import { exif } from '../../src/image/exif.js'
import { Picture } from '../../src/image/picture.js'
import { resize } from '../../src/image/resize.js'
import { rotate } from '../../src/image/rotate.js'
import { stats } from '../../src/image/stats.js'
import { thumbnail, thumbnails } from '../../src/image/thumbnail.js'
import { type Job, parseParams } from '../../src/mapreduce/job.js'
import { animation, photograph } from './pictures.js'

const coffee = () => new Picture('cups/coffee.jpg', photograph('coffee.jpg'))

/** What the job emits of a picture, given these params. */
async function emitted(
  job: unknown,
  params: object,
  picture = coffee(),
): Promise<[key: unknown, value: unknown][]> {
  const emits: [unknown, unknown][] = []
  const { map, params: schema } = job as Job
  const context = {
    params: schema.parse(params),
    emit: async (key: unknown, value: unknown) => void emits.push([key, value]),
    signal: new AbortController().signal,
  }
  await map(picture, context as never)
  return emits
}

test('thumbnail has the defaults of the function and passes its params on', async () => {
  expect(await emitted(thumbnailJob, {})).toEqual([['cups/coffee.jpg', await thumbnail(coffee())]])
  const params = { size: 50, fit: 'cover', format: 'webp', quality: 30 } as const
  expect(await emitted(thumbnailJob, params)).toEqual([
    ['cups/coffee.jpg', await thumbnail(coffee(), params)],
  ])
})

test('thumbnail emits several sizes in the order of their keys', async () => {
  const emits = await emitted(thumbnailJob, { sizes: [64, 256, 1024] })
  expect(emits.map(([key]) => key)).toEqual([
    'cups/coffee.1024.jpg',
    'cups/coffee.256.jpg',
    'cups/coffee.64.jpg',
  ])
  const made = await thumbnails(coffee(), [64, 256, 1024])
  expect(emits.map(([, value]) => value)).toEqual(made.map(({ bytes }) => bytes))
})

test('binarize emits the black and white picture under its key', async () => {
  expect(await emitted(binarizeJob, {})).toEqual([['cups/coffee.jpg', await binarize(coffee())]])
})

test('resize, crop and rotate emit the picture under its key', async () => {
  const box = { width: 50, height: 30 }
  expect(await emitted(resizeJob, box)).toEqual([['cups/coffee.jpg', await resize(coffee(), box)]])
  expect(await emitted(cropJob, box)).toEqual([['cups/coffee.jpg', await crop(coffee(), box)]])
  expect(await emitted(rotateJob, { angle: 7 })).toEqual([
    ['cups/coffee.jpg', await rotate(coffee(), { angle: 7 })],
  ])
})

test('convert emits one picture, or one for each page', async () => {
  const params = { format: 'webp', quality: 10 } as const
  const [made] = await convert(coffee(), params)
  expect(await emitted(convertJob, params)).toEqual([['cups/coffee.jpg', made!.bytes]])
  const film = new Picture('film.gif', await animation('gif'))
  const emits = await emitted(convertJob, { format: 'png', pages: 'all', rename: true }, film)
  expect(emits.map(([key]) => key)).toEqual(['film.0001.png', 'film.0002.png', 'film.0003.png'])
})

test('exif and stats emit a line of JSON that begins with the key', async () => {
  const lineOf = (facts: object) => [[null, JSON.stringify({ key: 'cups/coffee.jpg', ...facts })]]
  expect(await emitted(exifJob, {})).toEqual(lineOf(exif(coffee())))
  expect(await emitted(exifJob, { tags: ['ColorSpace'] })).toEqual(
    lineOf(exif(coffee(), { tags: ['ColorSpace'] })),
  )
  expect(await emitted(statsJob, {})).toEqual(lineOf(await stats(coffee())))
})

test.each([
  { size: 0 },
  { size: 16_385 },
  { size: 1.5 },
  { sizes: [] },
  { sizes: [64, 0] },
  { quality: 101 },
  { fit: 'best' },
  { format: 'bmp' },
  { background: 'whitish' },
])('thumbnail refuses %o', (params) => {
  expect(thumbnailJob.params.safeParse(params).success).toBe(false)
})

test('params that make no sense together, or no colour, are refused before anything runs', () => {
  const parse = (job: unknown, params: object) => () => parseParams(job as Job, params)
  const noSize = 'Cannot run resize: expected either --width, --height or both, or --scale'
  expect(parse(resizeJob, {})).toThrow(noSize)
  expect(parse(resizeJob, { width: 9, scale: 9 })).toThrow(noSize)
  expect(parse(cropJob, { width: 9, height: 9, left: 3, position: 'entropy' })).toThrow(
    'Cannot run crop: --position is "entropy": expected none beside --left and --top',
  )
  expect(parse(rotateJob, { background: 'whitish' })).toThrow(
    'Cannot run rotate: --background is "whitish": expected a CSS colour',
  )
})

test('the same bytes come out of any number of threads', async () => {
  const script = fileURLToPath(new URL('./digest-operations.mjs', import.meta.url))
  const digests = (threads: string) =>
    promisify(execFile)(process.execPath, [script], { env: { ...process.env, UV_THREADPOOL_SIZE: threads } })
  const [one, many] = await Promise.all([digests('1'), digests('9')])
  expect(one.stdout.split('\n').length).toBeGreaterThan(20)
  expect(many.stdout).toBe(one.stdout)
})
