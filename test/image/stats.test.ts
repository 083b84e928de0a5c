import fc from 'fast-check'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { PictureError } from '../../src/errors.js'
import { Picture } from '../../src/image/picture.js'
import { laplacianVariance } from '../../src/image/stats/sharpness.js'
import { type PictureStats, stats } from '../../src/image/stats.js'
import { animation, photograph, solid } from './pictures.js'

const statsOf = (bytes: Uint8Array) => stats(new Picture('k', bytes))

/**
 * By numpy and OpenCV 5, of `a = cv2.imread(...)`, `g = cv2.cvtColor(a, cv2.COLOR_BGR2GRAY)`: `a[:, :, 2].mean()`,
 * `g.std()`, `cv2.Laplacian(g, cv2.CV_64F).var()`, and the rest by its formula. The JPEG was decoded by sharp.
 */
const REFERENCE: Record<string, Partial<PictureStats>> = {
  'camera.png': {
    mean: { red: 129.0607, green: 129.0607, blue: 129.0607, luminance: 129.0607 },
    deviation: { red: 73.6448, green: 73.6448, blue: 73.6448, luminance: 73.6448 },
    sharpness: 1133.1627,
    exposure: { shadows: 0.0126, highlights: 0.0032, entropy: 7.2317, contrast: 0.2888 },
    colourfulness: 0,
  },
  'page.png': {
    sharpness: 4825.8389,
    exposure: { shadows: 0.0002, highlights: 0.0017, entropy: 7.4437, contrast: 0.2228 },
  },
  'coffee.jpg': {
    mean: { red: 158.5035, green: 85.8003, blue: 51.5658, luminance: 103.6373 },
    deviation: { red: 63.0545, green: 60.7515, blue: 52.647, luminance: 58.084 },
    sharpness: 1630.5884,
    exposure: { shadows: 0.0004, highlights: 0.0029, entropy: 7.6635, contrast: 0.2278 },
    colourfulness: 76.0449,
  },
  'chelsea.jpg': {
    mean: { red: 147.7293, green: 111.4192, blue: 86.823, luminance: 119.4834 },
    deviation: { red: 32.2013, green: 32.3166, blue: 37.4421, luminance: 32.1396 },
    sharpness: 403.9668,
    exposure: { shadows: 0.0002, highlights: 0, entropy: 7.0024, contrast: 0.126 },
    colourfulness: 37.5695,
  },
}

test.each(Object.keys(REFERENCE))('the numbers of %s are those of numpy and OpenCV', async (name) => {
  expect(await statsOf(photograph(name))).toMatchObject(REFERENCE[name]!)
})

test('a photograph is described', async () => {
  const bytes = photograph('coffee.jpg')
  expect(await statsOf(bytes)).toMatchObject({
    format: 'jpeg',
    width: 600,
    height: 400,
    channels: 3,
    bitDepth: 8,
    pages: 1,
    bytes: bytes.length,
  })
})

test.each([
  ['16-bit grey', () => solid('#777').toColourspace('grey16').png(), { channels: 1, bitDepth: 16 }],
  [
    'a transparent picture',
    () => solid({ r: 0, g: 0, b: 0, alpha: 0 }, 4).png(),
    { channels: 4, bitDepth: 8 },
  ],
  [
    'a turned one',
    () => solid('red').extend({ left: 8 }).withMetadata({ orientation: 6 }).jpeg(),
    { width: 32, height: 40 },
  ],
])('%s is described as it is', async (_, draw, expected) => {
  expect(await statsOf(await draw().toBuffer())).toMatchObject(expected)
})

test('an animation is measured by its first frame', async () => {
  const { pages, mean } = await statsOf(await animation('gif'))
  expect([pages, mean]).toEqual([3, { red: 255, green: 0, blue: 0, luminance: 76 }])
})

test('transparency is white', async () => {
  const { mean, exposure } = await statsOf(await solid({ r: 0, g: 0, b: 0, alpha: 0 }, 4).png().toBuffer())
  expect([mean.luminance, exposure.highlights, exposure.shadows]).toEqual([255, 1, 0])
})

test.each([
  ['#000', { shadows: 1, highlights: 0, entropy: 0, contrast: 0 }],
  ['#fff', { shadows: 0, highlights: 1, entropy: 0, contrast: 0 }],
  ['#777', { shadows: 0, highlights: 0, entropy: 0, contrast: 0 }],
])('all of %s has the exposure %o, and nothing sharp or colourful', async (colour, exposure) => {
  const made = await statsOf(await solid(colour).png().toBuffer())
  expect(made).toMatchObject({ exposure, sharpness: 0, colourfulness: 0 })
})

test('two halves of black and white have one bit', async () => {
  const bytes = await solid('black').extend({ right: 32, background: 'white' }).png().toBuffer()
  const { exposure } = await statsOf(bytes)
  expect(exposure).toEqual({ shadows: 0.5, highlights: 0.5, entropy: 1, contrast: 0.5 })
})

test('a picture out of focus is less sharp', async () => {
  const blurred = await sharp(photograph('coffee.jpg')).blur(3).png().toBuffer()
  expect((await statsOf(blurred)).sharpness).toBeLessThan(100)
})

test('the Laplacian is that of its kernel, with mirrored borders, at any size', () => {
  const picture = fc
    .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }))
    .chain(([width, height]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        data: fc.uint8Array({ minLength: width * height, maxLength: width * height }),
      }),
    )
  fc.assert(
    fc.property(picture, ({ width, height, data }) => {
      const mirror = (at: number, length: number) =>
        length === 1 ? 0 : Math.min(Math.abs(at), 2 * (length - 1) - at)
      const at = (x: number, y: number) => data[mirror(y, height) * width + mirror(x, width)]!
      const values = Array.from(data, (value, index) => {
        const [x, y] = [index % width, Math.floor(index / width)]
        return at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * value
      })
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
      expect(laplacianVariance({ width, height, data })).toBeCloseTo(variance, 6)
    }),
  )
})

test('a picture that is none is refused', async () => {
  await expect(statsOf(photograph('rocket.jpg').subarray(0, 9000))).rejects.toBeInstanceOf(PictureError)
})
