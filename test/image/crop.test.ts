import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { PictureError, UsageError } from '../../src/errors.js'
import { type CropOptions, crop } from '../../src/image/crop.js'
import { exif } from '../../src/image/exif.js'
import { Picture } from '../../src/image/picture.js'
import { photograph, pixelsOf, QUADRANTS, quadrants } from './pictures.js'

const cropped = (bytes: Uint8Array, options: CropOptions) => crop(new Picture('k', bytes), options)

/** 48 x 32: red, green over blue, white. */
const picture = () => quadrants().png().toBuffer()

test('a box is cut out pixel by pixel', async () => {
  const { width, height, at, data } = await pixelsOf(
    await cropped(await picture(), { left: 20, top: 10, width: 12, height: 16 }),
  )
  expect([width, height]).toEqual([12, 16])
  expect([at(3, 5), at(4, 5), at(3, 6), at(4, 6)]).toEqual([
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ])
  expect(new Set(data)).toEqual(new Set([0, 255]))
})

test('an edge that is not given is that of the picture', async () => {
  const { at } = await pixelsOf(await cropped(await picture(), { left: 30, width: 4, height: 4 }))
  expect(at(0, 0)).toEqual([0, 255, 0])
})

test('a box without edges is cut out of the middle', async () => {
  const { width, height, at } = await pixelsOf(await cropped(await picture(), { width: 4, height: 2 }))
  expect([width, height]).toEqual([4, 2])
  expect([at(1, 0), at(2, 0), at(1, 1), at(2, 1)]).toEqual([
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ])
})

describe('the part that is chosen', () => {
  /** Grey, with a coloured square whose corner is there. */
  async function spotted(left: number, top: number): Promise<Buffer> {
    const spot = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#d02010' } })
      .png()
      .toBuffer()
    return sharp({ create: { width: 300, height: 200, channels: 3, background: '#777' } })
      .composite([{ input: spot, left, top }])
      .png()
      .toBuffer()
  }

  test.each([
    'attention',
    'entropy',
  ] as const)('by %s holds what there is to see, unscaled', async (position) => {
    for (const [left, top] of [
      [10, 10],
      [240, 150],
    ] as const) {
      const { width, height, data } = await pixelsOf(
        await cropped(await spotted(left, top), { width: 90, height: 80, position }),
      )
      expect([width, height]).toEqual([90, 80])
      let red = 0
      for (let at = 0; at < data.length; at += 3) if (data[at]! > 180 && data[at + 1]! < 60) red++
      expect(red).toBeGreaterThan(1500)
      expect(red).toBeLessThanOrEqual(1600)
    }
  })

  test('is that of the upright picture', async () => {
    const lying = await sharp(await spotted(240, 150))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer()
    const { width, height } = await pixelsOf(
      await cropped(lying, { width: 190, height: 90, position: 'attention' }),
    )
    expect([width, height]).toEqual([190, 90])
  })
})

describe('a box beyond the picture', () => {
  test.each([
    [
      { left: 40, top: 0, width: 9, height: 9 },
      'the box of 9 x 9 pixels at 40, 0 goes beyond its 48 x 32 pixels; --clip takes the part inside',
    ],
    [
      { left: 0, top: 30, width: 9, height: 3 },
      'the box of 9 x 3 pixels at 0, 30 goes beyond its 48 x 32 pixels; --clip takes the part inside',
    ],
    [
      { left: 48, top: 0, width: 1, height: 1 },
      'the box of 1 x 1 pixels at 48, 0 lies beyond its 48 x 32 pixels',
    ],
    [
      { width: 49, height: 3 },
      'the box of 49 x 3 pixels goes beyond its 48 x 32 pixels; --clip takes the part inside',
    ],
  ])('%o is an error that says so', async (options, message) => {
    const error = await cropped(await picture(), options).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(PictureError)
    expect(error.message).toBe(`Cannot crop "k": ${message}`)
  })

  test.each([
    [{ left: 40, top: 30, width: 9, height: 9 }, [8, 2]],
    [{ width: 100, height: 10 }, [48, 10]],
    [{ width: 100, height: 100, position: 'attention' }, [48, 32]],
    [{ width: 100, height: 10, position: 'entropy' }, [48, 10]],
  ] as const)('%o is clipped where asked', async (options, expected) => {
    const { width, height } = await pixelsOf(await cropped(await picture(), { ...options, clip: true }))
    expect([width, height]).toEqual(expected)
  })

  test('lies beyond it even clipped', async () => {
    await expect(cropped(await picture(), { left: 50, width: 9, height: 9, clip: true })).rejects.toThrow(
      'Cannot crop "k": the box of 9 x 9 pixels at 50, 0 lies beyond its 48 x 32 pixels',
    )
  })
})

test('the box is of the picture as it is once upright', async () => {
  const lying = await quadrants().withMetadata({ orientation: 6 }).png().toBuffer()
  const { width, height } = QUADRANTS
  // Upright: blue, red over white, green.
  const { at } = await pixelsOf(
    await cropped(lying, { left: height - 4, top: width - 4, width: 4, height: 4 }),
  )
  expect(at(1, 1)).toEqual([0, 255, 0])
  await expect(cropped(lying, { width: 40, height: 4 })).rejects.toThrow('goes beyond its 32 x 48 pixels')
})

test('metadata that stay show nothing of what was cut off', async () => {
  const preview = await quadrants().jpeg().toBuffer()
  const bytes = withPreview(await quadrants().jpeg().toBuffer(), preview)
  expect(
    (await sharp(await sharp(bytes).keepExif().jpeg().toBuffer()).metadata()).exif?.includes(
      preview.subarray(0, 40),
    ),
  ).toBe(true)
  for (const format of ['jpeg', 'png', 'webp'] as const) {
    const made = Buffer.from(await cropped(bytes, { width: 8, height: 8, format, keepMetadata: true }))
    expect(exif(new Picture('k', made)).camera).toEqual({ make: 'Acme', model: null })
    expect(made.lastIndexOf(Buffer.from([0xff, 0xd8]))).toBeLessThanOrEqual(0)
  }
})

test('a photograph keeps its format', async () => {
  const made = await cropped(photograph('rocket.jpg'), { width: 100, height: 50 })
  expect(await sharp(made).metadata()).toMatchObject({ format: 'jpeg', width: 100, height: 50 })
})

test.each([
  [{ width: 0, height: 9 }, 'width is 0, expected a whole number from 1 to 65535'],
  [{ width: 9 }, 'height is undefined, expected a whole number from 1 to 65535'],
  [{ width: 9, height: 9, left: -1 }, 'left is -1, expected a whole number from 0 to 9007199254740991'],
  [{ width: 9, height: 9, position: 'north' }, 'position is "north", expected centre, attention, entropy'],
  [
    { width: 9, height: 9, top: 0, position: 'entropy' },
    'position is "entropy", expected none beside the edges of a box',
  ],
])('the options %o are refused', async (options, message) => {
  const error = await cropped(await picture(), options as CropOptions).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect(error.message).toBe(`Cannot crop pictures: ${message}`)
})

/** A JPEG with EXIF that has a maker and, in its second directory, a preview. */
function withPreview(jpeg: Buffer, preview: Buffer): Buffer {
  const [maker, directory] = [Buffer.from('Acme\0\0'), 8]
  const makerAt = directory + 2 + 12 + 4
  const second = makerAt + maker.length
  const previewAt = second + 2 + 3 * 12 + 4
  const tiff = Buffer.alloc(previewAt)
  tiff.write('II*\0', 'latin1')
  tiff.writeUInt32LE(directory, 4)
  tiff.writeUInt16LE(1, directory)
  entry(directory + 2, 0x010f, 2, 5, makerAt)
  tiff.writeUInt32LE(second, directory + 14)
  maker.copy(tiff, makerAt)
  tiff.writeUInt16LE(3, second)
  entry(second + 2, 0x0103, 3, 1, 6)
  entry(second + 14, 0x0201, 4, 1, previewAt)
  entry(second + 26, 0x0202, 4, 1, preview.length)
  const payload = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff, preview])
  const head = Buffer.from([0xff, 0xe1, 0, 0])
  head.writeUInt16BE(payload.length + 2, 2)
  return Buffer.concat([jpeg.subarray(0, 2), head, payload, jpeg.subarray(2)])

  function entry(at: number, tag: number, type: number, count: number, value: number): void {
    tiff.writeUInt16LE(tag, at)
    tiff.writeUInt16LE(type, at + 2)
    tiff.writeUInt32LE(count, at + 4)
    tiff.writeUInt32LE(value, at + 8)
  }
}
