import { describe, expect, test } from 'vitest'
import { LimitError, MissingPackageError, PictureError } from '../../src/errors.js'
import { Picture, pictureError } from '../../src/image/picture.js'
import { animation, distance, photograph, pixelsOf, QUADRANTS, quadrants, solid } from './pictures.js'

describe('a picture that is none', () => {
  test.each([
    ['no bytes', '', 'the file is empty'],
    [
      'text',
      'hello world',
      'these bytes are of no picture format that is supported (they begin with 68 65 6c 6c)',
    ],
    [
      'two bytes',
      '\xff\xd8',
      'these bytes are of no picture format that is supported (they begin with ff d8)',
    ],
    [
      'SVG',
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      'it is SVG; those that can be decoded are JPEG, PNG, WebP, GIF, TIFF, AVIF',
    ],
  ])('of %s is refused with the reason', async (_, text, reason) => {
    const picture = new Picture('a/b.jpg', Buffer.from(text, 'latin1'))
    expect(() => picture.pipeline()).toThrow(`Cannot decode "a/b.jpg": ${reason}`)
    await expect(picture.metadata()).rejects.toThrow(`Cannot decode "a/b.jpg": ${reason}`)
    await expect(picture.metadata()).rejects.toBeInstanceOf(PictureError)
  })
})

describe('a damaged picture', () => {
  async function decode(bytes: Uint8Array): Promise<unknown> {
    try {
      return await new Picture('k', bytes).pipeline().raw().toBuffer()
    } catch (error) {
      throw pictureError('k', error)
    }
  }

  test.each([10, 100, 700, 2000, 20_000, -2000, -20, -2, -1])('a JPEG cut at %i fails', async (at) => {
    const cut = photograph('rocket.jpg').subarray(0, at)
    await expect(decode(cut)).rejects.toThrow(/^Cannot decode "k": (VipsJpeg: )?premature end of JPEG image/)
    await expect(decode(cut)).rejects.toBeInstanceOf(PictureError)
  })

  test.each([10, 40, 700, 20_000, -200, -20, -13])('a PNG cut at %i fails', async (at) => {
    await expect(decode(photograph('page.png').subarray(0, at))).rejects.toThrow(
      /^Cannot decode "k": (its header is damaged or cut off|\d+ bytes can't hold the pixels .*|its pixels are damaged or cut off \(libpng read error\))$/,
    )
  })

  test.each(['webp', 'gif', 'avif', 'tiff'] as const)('a %s cut in the middle fails', async (format) => {
    const bytes = await quadrants().resize(500).toFormat(format).toBuffer()
    for (const at of [30, bytes.length >> 1, bytes.length - 3]) {
      await expect(decode(bytes.subarray(0, at))).rejects.toThrow(/^Cannot decode "k": \S/)
      await expect(decode(bytes.subarray(0, at))).rejects.not.toThrow(/\n|bad seek/)
    }
  })

  test('a PNG with a flipped bit fails', async () => {
    const bytes = Buffer.from(photograph('page.png'))
    bytes[20_000]! ^= 1
    await expect(decode(bytes)).rejects.toBeInstanceOf(PictureError)
  })
})

describe('pictureError', () => {
  test('keeps the cause and says each thing once', () => {
    const cause = new Error(
      'Input buffer has corrupt header: VipsJpeg: a\nsource: bad seek to 9\nVipsJpeg: a\nVipsJpeg: b',
    )
    const error = pictureError('k', cause)
    expect(error.message).toBe('Cannot decode "k": VipsJpeg: a, VipsJpeg: b')
    expect(error.cause).toBe(cause)
    expect(error.details).toEqual({ key: 'k' })
  })

  test('returns our own as they are', () => {
    const limit = new LimitError('x')
    expect(pictureError('k', limit)).toBe(limit)
  })

  test('makes a limit of the pixel limit of sharp', () => {
    expect(pictureError('k', new Error('Input image exceeds pixel limit'))).toBeInstanceOf(LimitError)
  })

  test('does not blame the picture for a wrong argument', () => {
    const argument = 'Expected integer between 1 and 100 for quality but received 200 of type number'
    expect(pictureError('k', new Error(argument)).message).toBe(`Cannot process "k": ${argument}`)
  })

  test('takes anything that can be thrown', () => {
    expect(pictureError('k', 'oops').message).toBe('Cannot decode "k": oops')
    expect(pictureError('k', new MissingPackageError('no sharp')).cause).toBeInstanceOf(MissingPackageError)
  })
})

test('a JPEG with something appended is whole', async () => {
  const appended = Buffer.concat([photograph('coffee.jpg'), Buffer.from('a trailer of some camera')])
  await expect(new Picture('k', appended).pipeline().raw().toBuffer()).resolves.toBeDefined()
})

test('a cut JPEG is decoded as far as it goes when damage is tolerated', async () => {
  const cut = new Picture('k', photograph('rocket.jpg').subarray(0, 50_000))
  const { width } = await pixelsOf(await cut.pipeline({ failOn: 'none' }).png().toBuffer())
  expect([width, (await cut.metadata()).width]).toEqual([640, 640])
})

test('metadata is that of the stored picture', async () => {
  const bytes = await quadrants().withMetadata({ orientation: 6 }).jpeg().toBuffer()
  const { format, width, height, orientation } = await new Picture('k', bytes).metadata()
  expect({ format, width, height, orientation }).toEqual({ format: 'jpeg', ...QUADRANTS, orientation: 6 })
})

test('bytes may lie anywhere in a larger buffer', async () => {
  const coffee = photograph('coffee.jpg')
  const around = new Uint8Array(coffee.length + 20)
  around.set(coffee, 7)
  const metadata = await new Picture('k', around.subarray(7, 7 + coffee.length)).metadata()
  expect(metadata.width).toBe(600)
})

describe('a pipeline', () => {
  // Where the red, green, blue and white corners of the stored picture are once it is upright (EXIF 2.32, 4.6.4 A).
  const upright: Record<number, string> = {
    1: 'rg/bw',
    2: 'gr/wb',
    3: 'wb/gr',
    4: 'bw/rg',
    5: 'rb/gw',
    6: 'br/wg',
    7: 'wg/br',
    8: 'gw/rb',
  }
  test.each(Object.entries(upright))('turns EXIF orientation %s upright', async (orientation, expected) => {
    const bytes = await quadrants()
      .withMetadata({ orientation: Number(orientation) })
      .png()
      .toBuffer()
    const { width, height, at } = await pixelsOf(await new Picture('k', bytes).pipeline().png().toBuffer())
    const { width: long, height: short } = QUADRANTS
    expect([width, height]).toEqual(Number(orientation) > 4 ? [short, long] : [long, short])
    const names: Record<string, string> = {
      '255,0,0': 'r',
      '0,255,0': 'g',
      '0,0,255': 'b',
      '255,255,255': 'w',
    }
    const name = (x: number, y: number) => names[at(x, y).join()]
    const [right, bottom] = [width - 1, height - 1]
    expect(`${name(0, 0)}${name(right, 0)}/${name(0, bottom)}${name(right, bottom)}`).toBe(expected)
  })

  test('leaves a picture as stored when asked', async () => {
    const bytes = await quadrants().withMetadata({ orientation: 6 }).png().toBuffer()
    const { width } = await pixelsOf(
      await new Picture('k', bytes).pipeline({ autoOrient: false }).png().toBuffer(),
    )
    expect(width).toBe(QUADRANTS.width)
  })

  const colour = [224, 64, 32]
  const drawn = () => solid({ r: 224, g: 64, b: 32 })
  test.each([
    ['Display P3', () => drawn().withIccProfile('p3').png(), 2],
    ['Display P3 in 16 bits', () => drawn().toColourspace('rgb16').withIccProfile('p3').png(), 2],
    [
      'Display P3 in a 16-bit TIFF',
      () => drawn().toColourspace('rgb16').withIccProfile('p3').tiff({ compression: 'lzw' }),
      2,
    ],
    ['16 bits without a profile', () => drawn().toColourspace('rgb16').png(), 1],
    // Their gamut does not hold the colour quite.
    [
      'CMYK with a profile',
      () => drawn().toColourspace('cmyk').withIccProfile('cmyk').jpeg({ quality: 100 }),
      16,
    ],
    ['CMYK without a profile', () => drawn().toColourspace('cmyk').jpeg({ quality: 100 }), 32],
  ])('converts %s to sRGB', async (_, draw, tolerance) => {
    const bytes = await draw().toBuffer()
    const jpeg = await new Picture('k', bytes).pipeline().jpeg({ quality: 100 }).toBuffer()
    const { data } = await pixelsOf(jpeg)
    expect(distance([...data.subarray(0, 3)], colour)).toBeLessThanOrEqual(tolerance)
    const metadata = await new Picture('k', jpeg).metadata()
    expect(metadata).toMatchObject({ space: 'srgb', depth: 'uchar', hasProfile: false })
  })

  test('reads the first frame, or all', async () => {
    const picture = new Picture('k', await animation('gif'))
    const first = await picture.pipeline().png().toBuffer({ resolveWithObject: true })
    const all = await picture.pipeline({ animated: true }).webp().toBuffer({ resolveWithObject: true })
    expect([first.info.height, all.info.pages]).toEqual([32, 3])
  })
})
