import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { PictureError, UsageError } from '../../src/errors.js'
import { Picture } from '../../src/image/picture.js'
import {
  type ThumbnailOptions,
  type ThumbnailStyle,
  thumbnail,
  thumbnails,
} from '../../src/image/thumbnail.js'
import {
  animation,
  distance,
  PHOTOGRAPHS,
  photograph,
  pixelsOf,
  QUADRANTS,
  quadrants,
  solid,
} from './pictures.js'

const thumbnailOf = (bytes: Uint8Array, options?: ThumbnailOptions) =>
  thumbnail(new Picture('k', bytes), options)

async function sizeOf(bytes: Uint8Array): Promise<string> {
  const { format, width, height } = await sharp(bytes).metadata()
  return `${format} ${width} x ${height}`
}

test.each(PHOTOGRAPHS)('%s becomes the very bytes that plain sharp makes of it', async (name) => {
  const bytes = photograph(name)
  const plain = await sharp(bytes)
    .rotate()
    .resize(256, 256, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 80 })
    .toBuffer()
  expect(plain.equals(await thumbnailOf(bytes))).toBe(true)
  expect(plain.equals(await thumbnailOf(bytes))).toBe(true)
})

describe('the size', () => {
  // 600 x 400
  const coffee = photograph('coffee.jpg')
  test.each([
    [{}, 'jpeg 256 x 171'],
    [{ size: 60 }, 'jpeg 60 x 40'],
    [{ width: 60, height: 20 }, 'jpeg 30 x 20'],
    [{ size: 60, fit: 'cover' }, 'jpeg 60 x 60'],
    [{ size: 60, fit: 'contain' }, 'jpeg 60 x 60'],
    [{ size: 60, fit: 'fill' }, 'jpeg 60 x 60'],
    [{ size: 60, fit: 'outside' }, 'jpeg 90 x 60'],
    [{ size: 1 }, 'jpeg 1 x 1'],
    [{ size: 1000 }, 'jpeg 600 x 400'],
    [{ size: 900, enlarge: true }, 'jpeg 900 x 600'],
    [{ size: 60, format: 'png' }, 'png 60 x 40'],
    [{ size: 60, format: 'webp' }, 'webp 60 x 40'],
    [{ size: 60, format: 'avif' }, 'heif 60 x 40'],
  ] as const)('with %o is %s', async (options, expected) => {
    expect(await sizeOf(await thumbnailOf(coffee, options))).toBe(expected)
  })

  test('is that of the upright picture', async () => {
    const lying = await quadrants().withMetadata({ orientation: 6 }).jpeg().toBuffer()
    const { width, height } = QUADRANTS
    expect(await sizeOf(await thumbnailOf(lying))).toBe(`jpeg ${height} x ${width}`)
    expect(await sizeOf(await thumbnailOf(lying, { width: 100, height: 24 }))).toBe('jpeg 16 x 24')
  })
})

test('a lower quality takes fewer bytes', async () => {
  const coffee = photograph('coffee.jpg')
  const [low, high] = [await thumbnailOf(coffee, { quality: 20 }), await thumbnailOf(coffee, { quality: 95 })]
  expect(low.length).toBeLessThan(high.length / 2)
})

describe('transparency', () => {
  const glass = () => solid({ r: 255, g: 0, b: 0, alpha: 0.5 }, 4).png().toBuffer()

  test.each([
    [undefined, [255, 127, 127]],
    ['black', [128, 0, 0]],
    ['#00f', [128, 0, 127]],
  ])('shows the background %s in JPEG', async (background, expected) => {
    const { at } = await pixelsOf(
      await thumbnailOf(await glass(), { quality: 100, ...(background ? { background } : {}) }),
    )
    expect(distance(at(16, 16), expected)).toBeLessThanOrEqual(3)
  })

  test('of grey pictures shows it as well', async () => {
    const bytes = await solid({ r: 0, g: 0, b: 0, alpha: 0.5 }, 4).toColourspace('b-w').png().toBuffer()
    expect((await sharp(bytes).metadata()).channels).toBe(2)
    const { at } = await pixelsOf(await thumbnailOf(bytes))
    expect(distance(at(16, 16), [127, 127, 127])).toBeLessThanOrEqual(2)
  })

  test.each(['png', 'webp', 'avif'] as const)('stays in %s', async (format) => {
    expect((await sharp(await thumbnailOf(await glass(), { format })).metadata()).hasAlpha).toBe(true)
  })

  test('is not made where a picture is padded', async () => {
    const { at } = await pixelsOf(await thumbnailOf(photograph('coffee.jpg'), { size: 60, fit: 'contain' }))
    expect(distance(at(30, 2), [255, 255, 255])).toBeLessThanOrEqual(2)
  })
})

describe('metadata', () => {
  const tagged = () =>
    quadrants()
      .withMetadata({ orientation: 6 })
      .withExif({ IFD0: { Copyright: 'The Archive' } })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>')
      .withIccProfile('p3')

  test('is stripped', async () => {
    const metadata = await sharp(await thumbnailOf(await tagged().jpeg().toBuffer())).metadata()
    expect(metadata).toMatchObject({ hasProfile: false })
    expect([metadata.exif, metadata.xmp, metadata.orientation]).toEqual([undefined, undefined, undefined])
  })

  test('stays where asked, but for the orientation, which is done', async () => {
    const bytes = await tagged().jpeg().toBuffer()
    expect((await sharp(bytes).metadata()).orientation).toBe(6)
    const metadata = await sharp(await thumbnailOf(bytes, { keepMetadata: true })).metadata()
    expect(metadata.exif?.toString('latin1')).toContain('The Archive')
    expect(metadata.xmp?.toString()).toContain('xmpmeta')
    expect(metadata.orientation ?? 1).toBe(1)
    expect(metadata).toMatchObject({ width: QUADRANTS.height, height: QUADRANTS.width })
  })

  test.each([
    ['Display P3', () => solid('#e04020').withIccProfile('p3').png()],
    ['Display P3 in 16 bits', () => solid('#e04020').toColourspace('rgb16').withIccProfile('p3').png()],
    ['16 bits without a profile', () => solid('#e04020').toColourspace('rgb16').png()],
  ])('of %s stays without changing the colours', async (_, draw) => {
    const small = await thumbnailOf(await draw().toBuffer(), { keepMetadata: true, quality: 100 })
    const { at } = await pixelsOf(small)
    expect(distance(at(16, 16), [0xe0, 0x40, 0x20])).toBeLessThanOrEqual(3)
  })
})

test.each(['gif', 'webp'] as const)('of an animated %s is its first frame', async (format) => {
  const small = await thumbnailOf(await animation(format), { format: 'webp' })
  const metadata = await sharp(small).metadata()
  expect([metadata.width, metadata.height, metadata.pages ?? 1]).toEqual([32, 32, 1])
  expect(distance((await pixelsOf(small)).at(16, 16), [255, 0, 0])).toBeLessThanOrEqual(4)
})

describe('damage', () => {
  test.each([
    ['rocket.jpg', 5000],
    ['rocket.jpg', -200],
    ['rocket.jpg', -1],
    ['retina.jpg', -1],
    ['page.png', 5000],
    ['page.png', -20],
  ])('of %s cut at %i is an error, not grey pixels', async (name, at) => {
    await expect(thumbnailOf(photograph(name).subarray(0, at))).rejects.toBeInstanceOf(PictureError)
  })
})

test.each([
  [{ size: 0 }, 'width is 0, expected a whole number from 1 to 16384'],
  [{ height: 1.5 }, 'height is 1.5, expected a whole number from 1 to 16384'],
  [{ quality: 101 }, 'quality is 101, expected a whole number from 1 to 100'],
  [{ fit: 'best' }, 'fit is "best", expected inside, cover, contain, fill, outside'],
  [{ format: 'bmp' }, 'format is "bmp", expected jpeg, png, webp, avif'],
  [{ background: 'whitish' }, 'background is "whitish", expected a CSS colour'],
])('the options %o are refused', async (options, message) => {
  const error = await thumbnailOf(photograph('coffee.jpg'), options as ThumbnailOptions).catch(
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(UsageError)
  expect(error.message).toBe(`Cannot make thumbnails: ${message}`)
})

describe('several sizes', () => {
  const sized = (bytes: Uint8Array, sizes: number[], style?: ThumbnailStyle) =>
    thumbnails(new Picture('k', bytes), sizes, style)

  test('are made in the order of the sizes as text, each once', async () => {
    const made = await sized(photograph('coffee.jpg'), [64, 256, 1024, 64])
    expect(made.map(({ size }) => size)).toEqual([1024, 256, 64])
    expect(await Promise.all(made.map(({ bytes }) => sizeOf(bytes)))).toEqual([
      'jpeg 600 x 400',
      'jpeg 256 x 171',
      'jpeg 64 x 43',
    ])
  })

  test.each([
    'inside',
    'cover',
    'contain',
    'fill',
    'outside',
  ] as const)('with the fit %s have the sides of single ones, and the largest its very pixels', async (fit) => {
    const glass = await sharp(photograph('coffee.jpg')).ensureAlpha(0.7).png().toBuffer()
    for (const [bytes, format] of [
      [photograph('retina.jpg'), 'jpeg'],
      [photograph('coffee.jpg'), 'png'],
      [photograph('camera.png'), 'jpeg'],
      [glass, 'jpeg'],
      [glass, 'png'],
    ] as const) {
      const style = { fit, format }
      const made = await sized(bytes, [20, 50, 200], style)
      for (const { size, bytes: small } of made) {
        const single = await thumbnailOf(bytes, { ...style, size })
        expect(await sizeOf(small)).toBe(await sizeOf(single))
        if (size === 200) {
          expect((await pixelsOf(single)).data.equals((await pixelsOf(small)).data)).toBe(true)
        }
      }
    }
  })

  test('of a turned picture are upright', async () => {
    const lying = await quadrants().withMetadata({ orientation: 6 }).jpeg().toBuffer()
    const made = await sized(lying, [12, 24])
    expect(await Promise.all(made.map(({ bytes }) => sizeOf(bytes)))).toEqual(['jpeg 8 x 12', 'jpeg 16 x 24'])
  })

  test('grow beyond the picture where they may', async () => {
    const made = await sized(photograph('coffee.jpg'), [900, 60], { enlarge: true })
    expect(await Promise.all(made.map(({ bytes }) => sizeOf(bytes)))).toEqual([
      'jpeg 60 x 40',
      'jpeg 900 x 600',
    ])
  })

  test('come nearer to a reduction of all pixels than single ones', async () => {
    const retina = photograph('retina.jpg')
    const pixels = await sharp(retina).raw().toBuffer()
    const truth = await sharp(pixels, { raw: { width: 1411, height: 1411, channels: 3 } })
      .resize(64, 64)
      .raw()
      .toBuffer()
    const error = async (bytes: Uint8Array) => {
      const { data } = await pixelsOf(bytes)
      return data.reduce((sum, value, at) => sum + (value - truth[at]!) ** 2, 0)
    }
    const [, small] = await sized(retina, [512, 64], { format: 'png' })
    expect(small!.size).toBe(64)
    expect(await error(small!.bytes)).toBeLessThan(
      await error(await thumbnailOf(retina, { size: 64, format: 'png' })),
    )
  })

  test('keep metadata where asked', async () => {
    const tagged = await quadrants()
      .withExif({ IFD0: { Copyright: 'The Archive' } })
      .jpeg()
      .toBuffer()
    for (const { bytes } of await sized(tagged, [8, 16], { keepMetadata: true })) {
      expect((await sharp(bytes).metadata()).exif?.toString('latin1')).toContain('The Archive')
    }
  })

  test('of a picture that is none are refused', async () => {
    await expect(sized(photograph('rocket.jpg').subarray(0, 5000), [8, 16])).rejects.toBeInstanceOf(
      PictureError,
    )
    await expect(sized(photograph('rocket.jpg'), [])).rejects.toThrow(
      'Cannot make thumbnails: sizes is [], expected one or more',
    )
    await expect(sized(photograph('rocket.jpg'), [8, 0])).rejects.toThrow(
      'Cannot make thumbnails: sizes is 0, expected a whole number from 1 to 16384',
    )
    await expect(sized(photograph('rocket.jpg'), [8, 16], { background: 'whitish' })).rejects.toThrow(
      'Cannot make thumbnails: background is "whitish", expected a CSS colour',
    )
  })
})
