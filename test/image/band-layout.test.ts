import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { PictureError } from '../../src/errors.js'
import {
  bandAt,
  bandCount,
  bandName,
  layBands,
  pictureOfBand,
  storedRows,
} from '../../src/image/band/band.js'
import { readPictureLayout } from '../../src/image/band/picture-layout.js'
import { memoryReader } from '../../src/image/band/range-reader.js'
import { cutTiff, openTiffRows } from '../../src/image/band/tiff-rows.js'
import { animation, solid } from './pictures.js'

const layoutOf = (bytes: Uint8Array) => readPictureLayout(memoryReader(bytes))

/** A picture of 50 x 40 pixels. */
const picture = () => sharp({ create: { width: 50, height: 40, channels: 3, background: 'teal' } })

test('bands have each row once as their own, and of their neighbours as many as are asked for', () => {
  fc.assert(
    fc.property(
      fc.record({
        width: fc.integer({ min: 1, max: 50 }),
        height: fc.integer({ min: 1, max: 500 }),
        align: fc.integer({ min: 1, max: 64 }),
        isUpsideDown: fc.boolean(),
        bandPixels: fc.integer({ min: 1, max: 10_000 }),
        overlap: fc.integer({ min: 0, max: 100 }),
      }),
      ({ bandPixels, overlap, ...size }) => {
        const { width, height, align } = size
        const layout = layBands(size, bandPixels, overlap)
        const count = bandCount(layout)
        let next = 0
        for (let index = 0; index < count; index++) {
          const band = bandAt(layout, index, 'place')
          expect(band).toMatchObject({ place: 'place', index, count, width, height, overlap, top: next })
          next = band.bottom
          expect(band.readTop).toBeLessThanOrEqual(Math.max(0, band.top - overlap))
          expect(band.readBottom).toBeGreaterThanOrEqual(Math.min(height, band.bottom + overlap))
          expect(band.readTop).toBeGreaterThanOrEqual(Math.max(0, band.top - overlap - align))
          expect(band.readBottom).toBeLessThanOrEqual(Math.min(height, band.bottom + overlap + align))
          const stored = storedRows(layout, band)
          expect(stored.start % align).toBe(0)
          expect(stored.end % align === 0 || stored.end === height).toBe(true)
          const rows = band.bottom - band.top
          expect(rows).toBeGreaterThan(0)
          expect(rows * width <= bandPixels || rows <= align).toBe(true)
        }
        expect(next).toBe(height)
      },
    ),
  )
})

test('the name of a band tells its picture', () => {
  expect(bandName('maps/a.tif', 7)).toBe('maps/a.tif#band-0007')
  expect(pictureOfBand(bandName('maps/a.tif', 12_345))).toBe('maps/a.tif')
  expect(pictureOfBand('maps/a#band.tif')).toBe('maps/a#band.tif')
})

describe('the header tells', () => {
  const size = { width: 50, height: 40 }

  test('size, orientation, and how rows can be read', async () => {
    expect(await layoutOf(await picture().jpeg().toBuffer())).toMatchObject({ ...size, access: 'top-down' })
    expect(await layoutOf(await picture().jpeg({ progressive: true }).toBuffer())).toMatchObject({
      access: 'once',
    })
    expect(await layoutOf(await picture().png().toBuffer())).toMatchObject({ ...size, access: 'top-down' })
    expect(await layoutOf(await picture().png({ progressive: true }).toBuffer())).toMatchObject({
      access: 'once',
    })
    const tiled = { tile: true, tileWidth: 16, tileHeight: 32 } as const
    expect(
      await layoutOf(
        await picture()
          .tiff({ compression: 'lzw', ...tiled })
          .toBuffer(),
      ),
    ).toMatchObject({
      ...size,
      access: 'rows',
      align: 32,
    })
    expect(await layoutOf(await picture().tiff({ compression: 'none' }).toBuffer())).toMatchObject({
      align: 1,
    })
  })

  test.each(['jpeg', 'png', 'tiff'] as const)('each orientation of %s', async (format) => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const bytes = await picture().withMetadata({ orientation })[format]().toBuffer()
      expect(await layoutOf(bytes)).toMatchObject({ ...size, orientation })
    }
  })

  test('a size that stands behind 200 kB of metadata', async () => {
    const jpeg = await picture().jpeg().toBuffer()
    const segment = Buffer.concat([Buffer.of(0xff, 0xe2, 0xff, 0xff), Buffer.alloc(0xfffd)])
    const bytes = Buffer.concat([jpeg.subarray(0, 2), segment, segment, segment, jpeg.subarray(2)])
    expect(await layoutOf(bytes)).toMatchObject(size)
  })

  test('of other formats, that they stay whole', async () => {
    expect(await layoutOf(await animation('gif'))).toBeUndefined()
    expect(await layoutOf(await solid('red').webp().toBuffer())).toBeUndefined()
    expect(await layoutOf(new Uint8Array(0))).toBeUndefined()
    expect(await layoutOf(Buffer.from('no picture'))).toBeUndefined()
  })
})

test('damaged headers are no layout, or one that cuts or refuses', async () => {
  const pictures = await Promise.all([
    picture().withMetadata({ orientation: 3 }).jpeg().toBuffer(),
    picture().withMetadata({ orientation: 3 }).png().toBuffer(),
    picture().tiff({ compression: 'lzw', tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    picture().tiff({ compression: 'none', bigtiff: true }).toBuffer(),
  ])
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        picture: fc.constantFrom(...pictures),
        end: fc.double({ min: 0, max: 1, noNaN: true }),
        changes: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
          maxLength: 12,
        }),
      }),
      async ({ picture, end, changes }) => {
        const bytes = Uint8Array.from(picture)
        for (const [at, byte] of changes) bytes[Math.floor(at * bytes.length)] = byte
        const cutOff = bytes.subarray(0, end < 0.3 ? end * bytes.length : bytes.length)
        const layout = await layoutOf(cutOff)
        const rows = layout?.format === 'tiff' ? await openTiffRows(memoryReader(cutOff)) : undefined
        if (!rows) return
        try {
          await cutTiff('a', rows, { start: 0, end: Math.min(rows.align, rows.height) }, 1)
        } catch (error) {
          expect(error).toBeInstanceOf(PictureError)
        }
      },
    ),
    { numRuns: 1500, seed: 8 },
  )
})
