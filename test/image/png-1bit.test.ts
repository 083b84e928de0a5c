import fc from 'fast-check'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { encodePng1Bit } from '../../src/image/png-1bit.js'

test('any black and white picture is read back pixel for pixel', async () => {
  const pictures = fc.integer({ min: 1, max: 40 }).chain((width) =>
    fc.integer({ min: 1, max: 9 }).chain((height) =>
      fc.record({
        width: fc.constant(width),
        pixels: fc.uint8Array({ minLength: width * height, maxLength: width * height }),
      }),
    ),
  )
  await fc.assert(
    fc.asyncProperty(pictures, async ({ width, pixels }) => {
      const height = pixels.length / width
      const png = await encodePng1Bit(pixels, width, height)
      const { data, info } = await sharp(png).extractChannel(0).raw().toBuffer({ resolveWithObject: true })
      expect([info.width, info.height]).toEqual([width, height])
      expect([...data]).toEqual([...pixels].map((value) => (value >= 128 ? 255 : 0)))
    }),
    { numRuns: 150 },
  )
})

test('it has one bit a pixel', async () => {
  const png = await encodePng1Bit(new Uint8Array(17 * 3).fill(255), 17, 3)
  expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 17, height: 3, bitsPerSample: 1 })
})

test('pixels above the threshold are white, those at it black', async () => {
  const png = await encodePng1Bit(Uint8Array.of(0, 41, 42, 43, 255), 5, 1, 42)
  expect([...(await sharp(png).extractChannel(0).raw().toBuffer())]).toEqual([0, 0, 0, 255, 255])
})

test('what lies behind the pixels does not show in the bytes', async () => {
  await encodePng1Bit(new Uint8Array(100 * 100).fill(255), 100, 100)
  const first = await encodePng1Bit(new Uint8Array(21).fill(200), 7, 3)
  await encodePng1Bit(new Uint8Array(100 * 100), 100, 100)
  expect(Buffer.from(await encodePng1Bit(new Uint8Array(21).fill(200), 7, 3)).equals(first)).toBe(true)
})
