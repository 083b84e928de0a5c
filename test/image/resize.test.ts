import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { LimitError, PictureError, UsageError } from '../../src/errors.js'
import { exif } from '../../src/image/exif.js'
import { FITS, fittedSize } from '../../src/image/fitted-size.js'
import { DEFAULT_LIMITS } from '../../src/image/limits.js'
import { Picture } from '../../src/image/picture.js'
import { KERNELS, type ResizeOptions, resize } from '../../src/image/resize.js'
import { animation, distance, photograph, pixelsOf, quadrants, solid } from './pictures.js'

const resized = (bytes: Uint8Array, options: ResizeOptions) => resize(new Picture('k', bytes), options)

async function sizeOf(bytes: Uint8Array): Promise<string> {
  const { format, width, height } = await sharp(bytes).metadata()
  return `${format} ${width} x ${height}`
}

// 600 x 400
const coffee = photograph('coffee.jpg')

describe('the size', () => {
  test.each([
    [{ width: 60 }, 'jpeg 60 x 40'],
    [{ height: 20 }, 'jpeg 30 x 20'],
    [{ width: 60, height: 20 }, 'jpeg 30 x 20'],
    [{ width: 60, height: 20, fit: 'fill' }, 'jpeg 60 x 20'],
    [{ width: 60, height: 20, fit: 'cover' }, 'jpeg 60 x 20'],
    [{ width: 60, height: 20, fit: 'contain' }, 'jpeg 60 x 20'],
    [{ width: 60, height: 20, fit: 'outside' }, 'jpeg 60 x 40'],
    [{ width: 1200 }, 'jpeg 600 x 400'],
    [{ width: 1200, enlarge: true }, 'jpeg 1200 x 800'],
    [{ scale: 50 }, 'jpeg 300 x 200'],
    [{ scale: 12.5 }, 'jpeg 75 x 50'],
    [{ scale: 150 }, 'jpeg 900 x 600'],
    [{ scale: 0.001 }, 'jpeg 1 x 1'],
  ] as const)('with %o is %s', async (options, expected) => {
    expect(await sizeOf(await resized(coffee, options))).toBe(expected)
  })

  test('of a turned picture is that of the upright one', async () => {
    const lying = await sharp(coffee).withMetadata({ orientation: 6 }).jpeg().toBuffer()
    expect(await sizeOf(await resized(lying, { width: 40 }))).toBe('jpeg 40 x 60')
    expect(await sizeOf(await resized(lying, { scale: 10 }))).toBe('jpeg 40 x 60')
  })

  test('is what fittedSize foretells, give or take a half', async () => {
    const side = fc.integer({ min: 1, max: 90 })
    const box = fc.record({ width: side, height: side }, { requiredKeys: ['width'] })
    const how = fc.record({ fit: fc.constantFrom(...FITS), enlarge: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(side, side, box, how, async (width, height, given, { fit, enlarge }) => {
        const create = { width, height, channels: 3, background: 'red' } as const
        const png = await sharp({ create }).png({ compressionLevel: 0 }).toBuffer()
        const made = await sharp(await resized(png, { ...given, fit, enlarge })).metadata()
        const foretold = fittedSize({ width, height }, given, { fit, enlarge })
        // Of a side that ends in a half libvips may take either pixel.
        for (const side of ['width', 'height'] as const) {
          expect(Math.abs(made[side] - foretold[side])).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('the format', () => {
  test.each([
    ['jpeg', 'jpeg'],
    ['png', 'png'],
    ['webp', 'webp'],
    ['tiff', 'tiff'],
    ['avif', 'heif'],
    ['gif', 'png'],
  ] as const)('of %s is %s if none is given', async (format, expected) => {
    const bytes = await quadrants().toFormat(format).toBuffer()
    expect(await sizeOf(await resized(bytes, { width: 12 }))).toBe(`${expected} 12 x 8`)
  })

  test('of TIFF has no loss', async () => {
    const bytes = await quadrants().tiff({ compression: 'none' }).toBuffer()
    const { data } = await pixelsOf(await resized(bytes, { scale: 100 }))
    expect(data.equals((await pixelsOf(bytes)).data)).toBe(true)
  })

  test('of TIFF keeps the resolution', async () => {
    const scan = quadrants().withMetadata({ density: 300 })
    for (const bytes of [
      await scan.png().toBuffer(),
      await scan.tiff({ xres: 300 / 25.4, yres: 300 / 25.4 }).toBuffer(),
    ]) {
      const made = await resized(bytes, { scale: 100, format: 'tiff' })
      expect((await sharp(made).metadata()).density).toBe(300)
    }
  })

  test('that can not hold so long a side is an error that names it', async () => {
    const line = await sharp({ create: { width: 17_000, height: 1, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    const error = await resized(line, { scale: 100, format: 'webp' }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(PictureError)
    expect(error.message).toBe(
      'Cannot encode "k": its sides are longer than WebP allows; choose another format',
    )
  })
})

test('each kernel makes another picture', async () => {
  const made = await Promise.all(
    KERNELS.map((kernel) => resized(photograph('page.png'), { scale: 60, kernel })),
  )
  expect(new Set(made.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(KERNELS.length)
})

test('the nearest neighbour makes no new colours', async () => {
  const { data } = await pixelsOf(
    await resized(await quadrants().png().toBuffer(), { scale: 250, kernel: 'nearest' }),
  )
  expect(new Set(data)).toEqual(new Set([0, 255]))
})

test('padding has the background, of grey pictures its luminance', async () => {
  const options = { width: 64, height: 32, fit: 'contain', background: 'red', enlarge: true } as const
  const colour = await pixelsOf(await resized(await solid('blue').png().toBuffer(), options))
  expect([colour.at(2, 2), colour.at(32, 16)]).toEqual([
    [255, 0, 0],
    [0, 0, 255],
  ])
  const grey = await solid('white').toColourspace('b-w').png().toBuffer()
  const [red, green, blue] = (await pixelsOf(await resized(grey, options))).at(2, 2)
  expect([red, green]).toEqual([green, blue])
})

test('the first frame of an animation is taken', async () => {
  const made = await resized(await animation('gif'), { width: 8 })
  expect(await sizeOf(made)).toBe('png 8 x 8')
  expect(distance((await pixelsOf(made)).at(4, 4), [255, 0, 0])).toBeLessThanOrEqual(2)
})

describe('the encoder', () => {
  const isProgressive = async (bytes: Uint8Array) => (await sharp(bytes).metadata()).isProgressive

  test('makes progressive JPEG and interlaced PNG when asked', async () => {
    for (const format of ['jpeg', 'png'] as const) {
      expect(await isProgressive(await resized(coffee, { width: 60, format }))).toBe(false)
      expect(await isProgressive(await resized(coffee, { width: 60, format, progressive: true }))).toBe(true)
    }
  })

  test('keeps all colour of JPEG and AVIF when asked', async () => {
    const chroma = async (options: Partial<ResizeOptions>) =>
      (await sharp(await resized(coffee, { width: 60, ...options })).metadata()).chromaSubsampling
    expect([await chroma({}), await chroma({ chroma: '4:4:4' })]).toEqual(['4:2:0', '4:4:4'])
    const [sparse, full] = await Promise.all(
      (['4:2:0', '4:4:4'] as const).map((chroma) => resized(coffee, { width: 60, format: 'avif', chroma })),
    )
    expect(sparse!.length).toBeLessThan(full!.length)
    expect(await resized(coffee, { width: 60, format: 'avif' })).toEqual(full)
  })

  test.each(['webp', 'avif'] as const)('makes %s without loss when asked', async (format) => {
    const small = await sharp(coffee).resize(60).png().toBuffer()
    const made = await resized(small, { scale: 100, format, lossless: true })
    const [before, after] = [await pixelsOf(small), await pixelsOf(made)]
    // AVIF's own colours are not RGB.
    const most = before.data.reduce((most, value, at) => Math.max(most, Math.abs(value - after.data[at]!)), 0)
    expect(most).toBeLessThanOrEqual(format === 'webp' ? 0 : 2)
  })

  // Tag 259 of TIFF 6.0.
  test.each([
    ['deflate', 8],
    ['lzw', 5],
    ['packbits', 32773],
    ['jpeg', 7],
    ['none', 1],
  ] as const)('compresses TIFF by %s', async (tiffCompression, expected) => {
    const made = await resized(coffee, { width: 60, format: 'tiff', tiffCompression })
    expect(exif(new Picture('k', made), { tags: ['Compression'] }).tags).toEqual({ Compression: expected })
  })
})

describe('a result over the pixel limit', () => {
  const limits = { ...DEFAULT_LIMITS, maxPixels: 300_000 }
  test.each([
    { scale: 200 },
    { width: 900, enlarge: true },
    { width: 900, height: 900, fit: 'contain' } as const,
  ])('is refused before it is made: %o', async (options) => {
    const error = await resize(new Picture('k', coffee, limits), options).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(LimitError)
    expect(error.message).toMatch(
      /^Cannot make \d+ x \d+ pixels of "k": they are \d+, the limit is 300000; raise --max-pixels if you mean it$/,
    )
  })
})

test('a damaged picture is refused', async () => {
  await expect(resized(coffee.subarray(0, 9000), { width: 50 })).rejects.toBeInstanceOf(PictureError)
})

test.each([
  [{}, 'width is null, expected a width, a height or a scale'],
  [{ width: 0 }, 'width is 0, expected a whole number from 1 to 65535'],
  [{ height: 1.5 }, 'height is 1.5, expected a whole number from 1 to 65535'],
  [{ scale: 0 }, 'scale is 0, expected a number above 0, at most 10000'],
  [{ scale: 50, width: 9 }, 'width is 9, expected none beside a scale'],
  [{ scale: 50, height: 9 }, 'height is 9, expected none beside a scale'],
  [{ width: 9, fit: 'best' }, 'fit is "best", expected inside, cover, contain, fill, outside'],
  [
    { width: 9, kernel: 'box' },
    'kernel is "box", expected nearest, linear, cubic, mitchell, lanczos2, lanczos3',
  ],
  [{ width: 9, format: 'bmp' }, 'format is "bmp", expected jpeg, png, webp, avif, tiff, same'],
  [{ width: 9, quality: 0 }, 'quality is 0, expected a whole number from 1 to 100'],
  [{ width: 9, chroma: '4:1:1' }, 'chroma is "4:1:1", expected 4:2:0, 4:4:4'],
  [{ width: 9, depth: 12 }, 'depth is 12, expected 8, 16'],
  [
    { width: 9, tiffCompression: 'g4' },
    'tiffCompression is "g4", expected deflate, lzw, packbits, jpeg, none',
  ],
  [
    { width: 9, height: 9, fit: 'contain', background: 'whitish' },
    'background is "whitish", expected a CSS colour',
  ],
])('the options %o are refused', async (options, message) => {
  const error = await resized(coffee, options as ResizeOptions).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect(error.message).toBe(`Cannot resize pictures: ${message}`)
})
