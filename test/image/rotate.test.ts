import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { LimitError, PictureError, UsageError } from '../../src/errors.js'
import { DEFAULT_LIMITS } from '../../src/image/limits.js'
import { Picture } from '../../src/image/picture.js'
import { type RotateOptions, rotate } from '../../src/image/rotate.js'
import { distance, photograph, pixelsOf, QUADRANTS, quadrants, solid } from './pictures.js'

const rotated = (bytes: Uint8Array, options?: RotateOptions) => rotate(new Picture('k', bytes), options)

/** 48 x 32: red, green over blue, white. */
const picture = () => quadrants().png().toBuffer()

async function cornersOf(bytes: Uint8Array): Promise<string> {
  const { at, width, height } = await pixelsOf(bytes)
  const names: Record<string, string> = { '255,0,0': 'r', '0,255,0': 'g', '0,0,255': 'b', '255,255,255': 'w' }
  const name = (x: number, y: number) => names[at(x, y).join()]
  const [right, bottom] = [width - 1, height - 1]
  return `${width} x ${height} ${name(0, 0)}${name(right, 0)}/${name(0, bottom)}${name(right, bottom)}`
}

test.each([
  [{}, '48 x 32 rg/bw'],
  [{ angle: 90 }, '32 x 48 br/wg'],
  [{ angle: 180 }, '48 x 32 wb/gr'],
  [{ angle: 270 }, '32 x 48 gw/rb'],
  [{ angle: -90 }, '32 x 48 gw/rb'],
  [{ angle: 360 }, '48 x 32 rg/bw'],
  [{ flip: true }, '48 x 32 bw/rg'],
  [{ flop: true }, '48 x 32 gr/wb'],
  [{ flip: true, flop: true }, '48 x 32 wb/gr'],
  // Mirrored first, then turned.
  [{ flop: true, angle: 90 }, '32 x 48 wg/br'],
  [{ flip: true, angle: 90 }, '32 x 48 rb/gw'],
])('%o is %s', async (options, expected) => {
  expect(await cornersOf(await rotated(await picture(), options))).toBe(expected)
})

test('what is done to an upright picture is done to one that EXIF turns upright', async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const turned = await quadrants().withMetadata({ orientation }).png().toBuffer()
    const upright = await rotated(turned)
    expect((await sharp(upright).metadata()).orientation).toBeUndefined()
    for (const options of [
      { angle: 90 },
      { flip: true, angle: 270 },
      { flop: true },
      { flop: true, angle: 30 },
    ]) {
      const [at, once] = [await rotated(turned, options), await rotated(upright, options)]
      expect(once.length, `${orientation} ${JSON.stringify(options)}`).toBe(at.length)
      expect(Buffer.from(once).equals(at)).toBe(true)
    }
  }
})

test('four quarters are a whole, pixel by pixel', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      async (width, height) => {
        const pixels = Buffer.from(Array.from({ length: width * height * 3 }, (_, at) => (at * 37) & 255))
        const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
          .png()
          .toBuffer()
        let turned: Uint8Array = png
        for (let quarter = 0; quarter < 4; quarter++) turned = await rotated(turned, { angle: 90 })
        expect((await pixelsOf(turned)).data.equals(pixels)).toBe(true)
      },
    ),
    { numRuns: 15 },
  )
})

describe('any other angle', () => {
  test('enlarges the picture to hold all of it, on the background', async () => {
    const { width, height, at } = await pixelsOf(
      await rotated(await solid('blue').png().toBuffer(), { angle: 45, background: 'red' }),
    )
    expect([width, height]).toEqual([45, 45])
    expect([at(1, 1), at(43, 1), at(1, 43), at(43, 43)]).toEqual(Array(4).fill([255, 0, 0]))
    expect(at(22, 22)).toEqual([0, 0, 255])
  })

  test('turns clockwise', async () => {
    const { at, width } = await pixelsOf(await rotated(await picture(), { angle: 10 }))
    // The upper left corner moves to the right.
    expect(distance(at(8, 1), [255, 0, 0])).toBeLessThan(90)
    expect(distance(at(width - 8, 1), [255, 255, 255])).toBeLessThan(90)
  })

  test('shows through at the corners where the background does and the format can', async () => {
    const bytes = await solid('blue').png().toBuffer()
    const transparent = { angle: 45, background: 'transparent' }
    expect((await sharp(await rotated(bytes, transparent)).metadata()).hasAlpha).toBe(true)
    expect((await sharp(await rotated(bytes, { ...transparent, format: 'jpeg' })).metadata()).hasAlpha).toBe(
      false,
    )
  })

  test('of a grey picture leaves it grey', async () => {
    const made = await rotated(photograph('text.png'), { angle: 3 })
    expect(await sharp(made).metadata()).toMatchObject({ space: 'b-w', channels: 1 })
  })

  test('is refused where the result is over the pixel limit', async () => {
    const line = await sharp({ create: { width: 3000, height: 1, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    const limits = { ...DEFAULT_LIMITS, maxPixels: 1_000_000 }
    const error = await rotate(new Picture('k', line, limits), { angle: 45 }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(LimitError)
    expect(error.message).toMatch(
      /^Cannot make 2122 x 2122 pixels of "k": they are 4502884, the limit is 1000000/,
    )
    await expect(rotate(new Picture('k', line, limits), { angle: 90 })).resolves.toBeDefined()
  })
})

test('a photograph keeps its format and size', async () => {
  const { width, height } = QUADRANTS
  const made = await rotated(await quadrants().webp().toBuffer(), { angle: 180 })
  expect(await sharp(made).metadata()).toMatchObject({ format: 'webp', width, height })
})

test('a damaged picture is refused', async () => {
  await expect(rotated(photograph('rocket.jpg').subarray(0, 9000), { angle: 90 })).rejects.toBeInstanceOf(
    PictureError,
  )
})

test.each([
  [{ angle: 361 }, 'angle is 361, expected a number from -360 to 360'],
  [{ angle: Number.NaN }, 'angle is null, expected a number from -360 to 360'],
  [{ angle: 5, background: 'whitish' }, 'background is "whitish", expected a CSS colour'],
])('the options %o are refused', async (options, message) => {
  const error = await rotated(await picture(), options).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect(error.message).toBe(`Cannot rotate pictures: ${message}`)
})
