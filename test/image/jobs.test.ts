import { expect, test } from 'vitest'
import binarizeJob from '../../jobs/binarize.js'
import thumbnailJob from '../../jobs/thumbnail.js'
import { binarize } from '../../src/image/binarize.js'
import { Picture } from '../../src/image/picture.js'
import { thumbnail } from '../../src/image/thumbnail.js'
import { photograph } from './pictures.js'

type BuiltIn = typeof thumbnailJob | typeof binarizeJob

/** What the job emits of a picture, given these params. */
async function emitted(job: BuiltIn, params: object): Promise<[key: string, value: Uint8Array][]> {
  const emits: [string, Uint8Array][] = []
  const context = {
    params: job.params.parse(params),
    emit: async (key: string, value: Uint8Array) => void emits.push([key, value]),
    signal: new AbortController().signal,
  }
  await job.map(new Picture('cups/coffee.jpg', photograph('coffee.jpg')), context as never)
  return emits
}

const coffee = () => new Picture('cups/coffee.jpg', photograph('coffee.jpg'))

test('thumbnail has the defaults of the function and passes its params on', async () => {
  expect(await emitted(thumbnailJob, {})).toEqual([['cups/coffee.jpg', await thumbnail(coffee())]])
  const params = { size: 50, fit: 'cover', format: 'webp', quality: 30 } as const
  expect(await emitted(thumbnailJob, params)).toEqual([
    ['cups/coffee.jpg', await thumbnail(coffee(), params)],
  ])
})

test('binarize emits the black and white picture under its key', async () => {
  expect(await emitted(binarizeJob, {})).toEqual([['cups/coffee.jpg', await binarize(coffee())]])
})

test.each([
  { size: 0 },
  { size: 16_385 },
  { size: 1.5 },
  { quality: 101 },
  { fit: 'best' },
  { format: 'bmp' },
])('thumbnail refuses %o', (params) => {
  expect(thumbnailJob.params.safeParse(params).success).toBe(false)
})
