import fc from 'fast-check'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import {
  BAND_METHODS,
  type BandThresholdOptions,
  binarizeBand,
  binarizeOverlap,
} from '../../src/image/band/binarize-band.js'
import { encodeBinarized } from '../../src/image/band/encode-binarized.js'
import { withNeighbours } from '../../src/image/band/with-neighbours.js'
import { binarize } from '../../src/image/binarize.js'
import { Picture } from '../../src/image/picture.js'
import { throughBands } from './bands.js'
import { photograph } from './pictures.js'

/** A piece of a printed page, as an uncompressed TIFF. */
function page(width: number, height: number, negate: boolean): Promise<Buffer> {
  const piece = sharp(photograph('page.png')).extract({ left: 30, top: 20, width, height })
  return (negate ? piece.negate() : piece).tiff({ compression: 'none' }).toBuffer()
}

async function inBands(tiff: Uint8Array, bandPixels: number, options: BandThresholdOptions, format?: 'tiff') {
  const bands = {
    bandPixels,
    overlap: binarizeOverlap(options),
    map: (picture: Parameters<typeof binarizeBand>[0]) => binarizeBand(picture, options),
  }
  return throughBands(tiff, bands, (joined) =>
    encodeBinarized(joined, { ...options, ...(format ? { format } : {}) }),
  )
}

test.each(BAND_METHODS)('%s of bands is that of the whole, to the byte', async (method) => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        width: fc.integer({ min: 1, max: 150 }),
        height: fc.integer({ min: 2, max: 140 }),
        bandRows: fc.integer({ min: 1, max: 60 }),
        radius: fc.integer({ min: 1, max: 40 }),
        ink: fc.constantFrom('dark', 'light', 'auto'),
        negate: fc.boolean(),
      }),
      async ({ width, height, bandRows, radius, ink, negate }) => {
        const tiff = await page(width, height, negate)
        const options = { method, window: 2 * radius + 1, ink }
        const whole = await binarize(new Picture('whole.tif', tiff), options)
        const joined = await inBands(tiff, bandRows * width, options)
        expect(Buffer.compare(joined, whole)).toBe(0)
      },
    ),
    { numRuns: 12, seed: 8 },
  )
})

test.each(BAND_METHODS)('%s with its own window, as fax TIFF, is that of the whole', async (method) => {
  const tiff = await page(301, 150, false)
  const whole = await binarize(new Picture('whole.tif', tiff), { method, format: 'tiff' })
  const joined = await inBands(tiff, 301 * 40, { method }, 'tiff')
  expect(Buffer.compare(joined, whole)).toBe(0)
})

test('su is refused by name', () => {
  expect(() => binarizeOverlap({ method: 'su' as never })).toThrow(UsageError)
  expect(() => binarizeOverlap({ method: 'su' as never })).toThrow(
    /^Cannot binarize pictures in bands: method is "su", expected otsu, fixed, /,
  )
})

test('rows come in blocks with their neighbours, each row once as its own', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        height: fc.integer({ min: 1, max: 60 }),
        reach: fc.integer({ min: 0, max: 20 }),
        block: fc.integer({ min: 1, max: 30 }),
        pieces: fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 60, maxLength: 60 }),
      }),
      async ({ height, reach, block, pieces }) => {
        const all = Uint8Array.from({ length: height }, (_, row) => row)
        async function* rows() {
          for (let row = 0, piece = 0; row < height; row += pieces[piece++]!) {
            yield all.subarray(row, row + pieces[piece]!)
          }
        }
        const own: number[] = []
        for await (const { data, start, end } of withNeighbours(rows(), { width: 1, height }, reach, block)) {
          const first = data[start]!
          expect(start).toBe(Math.min(first, reach))
          expect(data.length - end).toBe(Math.min(height - first - (end - start), reach))
          own.push(...data.subarray(start, end))
        }
        expect(own).toEqual([...all])
      },
    ),
    { seed: 8 },
  )
})
