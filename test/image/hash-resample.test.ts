import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { cosineTransform } from '../../src/image/hash/cosine-transform.js'
import { lumaOf, shrunkLuma } from '../../src/image/hash/luma.js'
import { axisWeights, HALF, WEIGHT_BITS } from '../../src/image/resample/axis-weights.js'
import { resample, type Samples } from '../../src/image/resample.js'

const FIXTURES = new URL('../fixtures/hashes/', import.meta.url)

interface Resampled {
  width: number
  height: number
  filter: 'lanczos' | 'box'
  region: [number, number, number, number] | null
  sha256: string
  samples?: string
}
const RESAMPLED = JSON.parse(readFileSync(new URL('resampled.json', FIXTURES), 'utf8')) as Resampled[]

async function rgb(): Promise<Samples> {
  const { data, info } = await sharp(readFileSync(new URL('rgb.png', FIXTURES)))
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, channels: info.channels, data }
}

test.each(RESAMPLED)('$filter to $width x $height of $region is what Pillow makes', async (expected) => {
  const { width, height, filter, region, samples, sha256 } = expected
  const [left, top, right, bottom] = region ?? []
  const options = region
    ? { filter, region: { left: left!, top: top!, right: right!, bottom: bottom! } }
    : { filter }
  const { data } = resample(await rgb(), width, height, options)
  if (samples) expect(Buffer.from(data).toString('hex')).toBe(samples)
  expect(createHash('sha256').update(data).digest('hex')).toBe(sha256)
})

const pictures = (channels: number, largest: number) =>
  fc
    .record({ width: fc.integer({ min: 1, max: largest }), height: fc.integer({ min: 1, max: largest }) })
    .chain((size) =>
      fc.record({
        ...{
          width: fc.constant(size.width),
          height: fc.constant(size.height),
          channels: fc.constant(channels),
        },
        data: fc.uint8Array({
          minLength: size.width * size.height * channels,
          maxLength: size.width * size.height * channels,
        }),
      }),
    )
const length = fc.integer({ min: 1, max: 40 })

/** The sums one by one. */
function plainRow(row: Uint8Array, outputLength: number): number[] {
  const { starts, counts, taps, weights } = axisWeights(row.length, outputLength)
  return Array.from(starts, (start, output) => {
    let sum = HALF
    for (let tap = 0; tap < counts[output]!; tap++) sum += row[start + tap]! * weights[output * taps + tap]!
    return Math.min(255, Math.max(0, sum >> WEIGHT_BITS))
  })
}

test('a row is the sum of its weighted samples, rounded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), length, (row, width) => {
      const { data } = resample({ width: row.length, height: 1, channels: 1, data: row }, width, 1)
      expect([...data]).toEqual(width === row.length ? [...row] : plainRow(row, width))
    }),
  )
})

test('columns are resampled as rows are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), length, (samples, size) => {
      const row = resample({ width: samples.length, height: 1, channels: 1, data: samples }, size, 1)
      const column = resample({ width: 1, height: samples.length, channels: 1, data: samples }, 1, size)
      expect(column.data).toEqual(row.data)
    }),
  )
})

test('colours made grey while they are read come out as colours made grey before', () => {
  fc.assert(
    fc.property(pictures(3, 30), length, length, (picture, width, height) => {
      const { data } = picture
      const grey = Uint8Array.from({ length: data.length / 3 }, (_, at) =>
        lumaOf(data[at * 3]!, data[at * 3 + 1]!, data[at * 3 + 2]!),
      )
      const expected = resample({ ...picture, channels: 1, data: grey }, width, height)
      expect(shrunkLuma(picture, width, height)).toEqual(expected.data)
    }),
  )
})

test('grey is within half a level of its definition', () => {
  const level = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(level, level, level, (red, green, blue) => {
      expect(Math.abs(lumaOf(red, green, blue) - (0.299 * red + 0.587 * green + 0.114 * blue))).toBeLessThan(
        0.51,
      )
    }),
  )
})

test.each([
  [{ width: 0, height: 3 }, 'width is 0, expected a whole number above 0'],
  [{ width: 3, height: 1.5 }, 'height is 1.5, expected a whole number above 0'],
  [{ width: 3, height: 3, filter: 'best' }, 'filter is "best", expected lanczos, box'],
])('%o is refused', ({ width, height, ...options }, reason) => {
  const source = { width: 1, height: 1, channels: 1, data: Uint8Array.of(7) }
  expect(() => resample(source, width, height, options as object)).toThrow(
    new UsageError(`Cannot resample: ${reason}`),
  )
})

/** The definition. */
function plainTransform(samples: ArrayLike<number>): number[] {
  return Array.from({ length: samples.length }, (_, k) => {
    const angle = (n: number) => (Math.PI * k * (2 * n + 1)) / (2 * samples.length)
    return 2 * Array.from(samples).reduce((sum, sample, n) => sum + sample * Math.cos(angle(n)), 0)
  })
}

test.each([
  8, 12, 16, 20, 28, 32, 36, 64, 128,
])('the cosine transform of %i samples is as defined', (count) => {
  const transform = cosineTransform(count)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: count, maxLength: count }), (samples) => {
      const given = Float64Array.from(samples)
      transform(given)
      for (const [k, value] of plainTransform(samples).entries()) expect(given[k]).toBeCloseTo(value, 8)
    }),
    { numRuns: 20 },
  )
})

test('of a flat row all coefficients but the first are 0', () => {
  for (const count of [8, 12, 20, 28, 32, 36, 128]) {
    const samples = new Float64Array(count).fill(127)
    cosineTransform(count)(samples)
    expect(samples).toEqual(Float64Array.from({ length: count }, (_, k) => (k === 0 ? 2 * 127 * count : 0)))
  }
})
