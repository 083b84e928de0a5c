import fc from 'fast-check'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { type BandResizeOptions, resizeBand, resizeOverlap } from '../../src/image/band/resize-band.js'
import { resample } from '../../src/image/resample.js'
import { rowsOf, throughBands } from './bands.js'
import { photograph } from './pictures.js'

async function inBands(
  tiff: Uint8Array,
  bandPixels: number,
  size: { width: number; height: number },
  options: BandResizeOptions,
) {
  const bands = {
    bandPixels,
    overlap: resizeOverlap(options, size),
    map: (picture: Parameters<typeof resizeBand>[0]) => resizeBand(picture, options),
  }
  return throughBands(tiff, bands, async (joined) => {
    const { width, height, channels } = joined
    return { width, height, channels, data: await rowsOf(joined) }
  })
}

test('bands of any size become the pixels of the whole, resampled', async () => {
  const side = fc.integer({ min: 1, max: 120 })
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        width: side,
        height: side,
        toWidth: side,
        toHeight: side,
        bandRows: fc.integer({ min: 1, max: 50 }),
        isGrey: fc.boolean(),
      }),
      async ({ width, height, toWidth, toHeight, bandRows, isGrey }) => {
        const piece = sharp(photograph('coffee.jpg')).extract({ left: 200, top: 100, width, height })
        const source = isGrey ? piece.toColourspace('b-w') : piece
        const tiff = await source.tiff({ compression: 'none' }).toBuffer()
        const box = {
          width: Math.min(width, toWidth),
          height: Math.min(height, toHeight),
          fit: 'fill',
        } as const
        const { data, info } = await sharp(tiff).raw().toBuffer({ resolveWithObject: true })
        const channels = isGrey ? 1 : 3
        const samples = isGrey ? await sharp(data, { raw: info }).extractChannel(0).raw().toBuffer() : data
        const whole = resample({ width, height, channels, data: samples }, box.width, box.height)

        const joined = await inBands(tiff, bandRows * width, { width, height }, box)

        expect([joined.width, joined.height, joined.channels]).toEqual([box.width, box.height, channels])
        expect(Buffer.compare(joined.data, whole.data)).toBe(0)
      },
    ),
    { numRuns: 60, seed: 8 },
  )
})

test('one side of the box is enough, and none is refused', () => {
  const size = { width: 1000, height: 500 }
  expect(resizeOverlap({ width: 100 }, size)).toBe(31)
  expect(resizeOverlap({ height: 50 }, size)).toBe(31)
  expect(resizeOverlap({ height: 5000 }, size)).toBe(4)
  expect(() => resizeOverlap({}, size)).toThrow(UsageError)
  expect(() => resizeOverlap({ width: 0 }, size)).toThrow(
    /width is 0, expected a whole number from 1 to 65535$/,
  )
})
