import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { PictureError } from '../../src/errors.js'
import { convert } from '../../src/image/convert.js'
import { exif } from '../../src/image/exif.js'
import { decodeGrey } from '../../src/image/grey.js'
import { readHeader } from '../../src/image/header.js'
import { Picture } from '../../src/image/picture.js'
import { encodePng1Bit } from '../../src/image/png-1bit.js'
import { stats } from '../../src/image/stats.js'
import { WHOLE_PICTURE } from './operations.js'
import { distance, pixelsOf, QUADRANTS, quadrants, solid } from './pictures.js'
import { encodeChunks, pngHeader } from './png-chunks.js'

const FOLDER = new URL('../fixtures/colour/', import.meta.url)
const fixture = (name: string) => readFileSync(new URL(name, FOLDER))
const TRUTH = JSON.parse(fixture('chart.json').toString()) as Record<string, number[][]>

/** The chart of test/fixtures/colour/make.py. */
const CHART = { width: 96, height: 64 }
const PATCH = 16

/** The middle of each patch. */
async function patchesOf(bytes: Uint8Array): Promise<number[][]> {
  const { at } = await pixelsOf(bytes)
  return Array.from({ length: 24 }, (_, index) =>
    at((index % 6) * PATCH + PATCH / 2, Math.floor(index / 6) * PATCH + PATCH / 2),
  )
}

function farthest(patches: readonly number[][], truth: readonly number[][]): number {
  return Math.max(...patches.map((patch, index) => distance(patch, truth[index]!)))
}

const operations = Object.entries(WHOLE_PICTURE)

describe('a chart in', () => {
  // What is lossless comes out as littleCMS has it, give or take the rounding of one step.
  test.each([
    ['adobe-rgb.png', 'adobeRgb', 1],
    ['adobe-rgb.tif', 'adobeRgb', 1],
    ['adobe-rgb.webp', 'adobeRgb', 1],
    ['adobe-rgb.jpg', 'adobeRgb', 3],
    ['display-p3.png', 'displayP3', 1],
    ['display-p3.tif', 'displayP3', 1],
    ['display-p3.webp', 'displayP3', 1],
    ['display-p3.jpg', 'displayP3', 3],
    ['grey-gamma.png', 'greyGamma', 1],
    ['grey-gamma-16.png', 'greyGamma', 1],
    ['grey-gamma-16.tif', 'greyGamma', 1],
    ['grey-16.png', 'grey', 0],
    ['rgb-16.png', 'rgb', 0],
    ['rgb-16.tif', 'rgb', 0],
    ['palette.tif', 'rgb', 0],
  ])('%s is right in every job', async (name, truth, tolerance) => {
    for (const [job, operation] of operations) {
      const made = await operation(new Picture(name, fixture(name)), CHART)
      expect(farthest(await patchesOf(made), TRUTH[truth]!), job).toBeLessThanOrEqual(tolerance)
    }
  })

  test('CMYK is the same however it is stored', async () => {
    const [adobe, ycck, tiff] = await Promise.all(
      ['cmyk-adobe.jpg', 'cmyk-ycck.jpg', 'cmyk.tif'].map(async (name) => {
        const [made] = await convert(new Picture(name, fixture(name)), { format: 'png' })
        return patchesOf(made!.bytes)
      }),
    )
    expect(farthest(adobe!, tiff!)).toBeLessThanOrEqual(3)
    expect(farthest(ycck!, tiff!)).toBeLessThanOrEqual(4)
    // Paper is white, and ink on ink nearly black; an inverted one would be the other way round.
    expect(adobe![0]).toEqual([255, 255, 255])
    expect(Math.max(...adobe![1]!)).toBeLessThan(48)
  })

  const p3 = (): Sharp => solid({ r: 224, g: 64, b: 32 }, 3, 64).toColourspace('rgb16').withIccProfile('p3')
  test.each([
    ['AVIF of 10 bits', () => p3().avif({ bitdepth: 10, quality: 95 })],
    ['BigTIFF of 16 bits', () => p3().tiff({ bigtiff: true, compression: 'lzw' })],
  ])('Display P3 in %s is right', async (_, draw) => {
    const [made] = await convert(new Picture('k', await draw().toBuffer()), { format: 'png' })
    expect(distance((await pixelsOf(made!.bytes)).at(30, 30), [224, 64, 32])).toBeLessThanOrEqual(2)
  })
})

test('the header of a TIFF with a palette tells the colours that it decodes to', async () => {
  const bytes = fixture('palette.tif')
  expect(readHeader(bytes)).toMatchObject({ channels: 3, bitDepth: 8 })
  const { data, width } = await decodeGrey(new Picture('k', bytes))
  // Of the last patch, pure red: 0.299 of white.
  expect(data[56 * width + 88]).toBe(76)
})

test('a BigTIFF is told by its header', async () => {
  const bytes = await quadrants().tiff({ bigtiff: true, compression: 'none' }).toBuffer()
  expect(readHeader(bytes)).toMatchObject({ format: 'tiff', ...QUADRANTS, channels: 3, bitDepth: 8 })
})

describe('grey', () => {
  test.each(['jpeg', 'png', 'tiff'] as const)('stays grey in %s', async (format) => {
    const [made] = await convert(new Picture('k', fixture('grey-gamma.png')), { format, quality: 100 })
    const metadata = await sharp(made!.bytes).metadata()
    expect([metadata.space, metadata.channels]).toEqual(['b-w', 1])
    expect(farthest(await patchesOf(made!.bytes), TRUTH.greyGamma!)).toBeLessThanOrEqual(2)
  })

  const glass = () => solid({ r: 0, g: 0, b: 0, alpha: 0.5 }, 4).toColourspace('b-w').png().toBuffer()

  test('keeps its transparency', async () => {
    const [made] = await convert(new Picture('k', await glass()), { format: 'png' })
    expect(await sharp(made!.bytes).metadata()).toMatchObject({ space: 'b-w', channels: 2, hasAlpha: true })
  })

  test('shows the background through it in JPEG', async () => {
    const [made] = await convert(new Picture('k', await glass()), { format: 'jpeg', quality: 100 })
    expect(distance((await pixelsOf(made!.bytes)).at(9, 9), [127, 127, 127])).toBeLessThanOrEqual(2)
  })

  test('keeps its own profile where metadata stay', async () => {
    const picture = new Picture('k', fixture('grey-gamma.png'))
    const [made] = await convert(picture, { format: 'png', keepMetadata: true })
    expect(await sharp(made!.bytes).metadata()).toMatchObject({ space: 'b-w', hasProfile: true })
    expect(farthest(await patchesOf(made!.bytes), TRUTH.greyGamma!)).toBeLessThanOrEqual(1)
  })
})

describe('16 bits', () => {
  test.each([
    ['rgb-16.png', 'rgb16'],
    ['rgb-16.tif', 'rgb16'],
    ['grey-16.png', 'grey16'],
  ])('of %s stay where they are asked for', async (name, space) => {
    for (const format of ['png', 'tiff'] as const) {
      const [made] = await convert(new Picture('k', fixture(name)), { format, depth: 16 })
      expect(await sharp(made!.bytes).metadata()).toMatchObject({ space, depth: 'ushort' })
    }
  })

  test('of a profiled picture are sRGB', async () => {
    const p3 = await solid('#e04020').toColourspace('rgb16').withIccProfile('p3').png().toBuffer()
    for (const keepMetadata of [false, true]) {
      const [made] = await convert(new Picture('k', p3), { format: 'png', depth: 16, keepMetadata })
      expect(await sharp(made!.bytes).metadata()).toMatchObject({ space: 'rgb16', hasProfile: keepMetadata })
      const { at } = await pixelsOf(await sharp(made!.bytes, { ignoreIcc: true }).png().toBuffer())
      expect(distance(at(16, 16), [0xe0, 0x40, 0x20])).toBeLessThanOrEqual(2)
    }
  })

  test('are not made of 8', async () => {
    const [made] = await convert(new Picture('k', fixture('adobe-rgb.png')), { format: 'png', depth: 16 })
    expect((await sharp(made!.bytes).metadata()).depth).toBe('uchar')
  })
})

describe('PNG', () => {
  test('with a palette and transparency shows what it shows', async () => {
    const header = pngHeader(3, 1)
    header[9] = 3
    const bytes = encodeChunks([
      ['IHDR', header],
      ['PLTE', Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255])],
      ['tRNS', Buffer.from([255, 0, 128])],
      ['IDAT', deflateSync(Buffer.from([0, 0, 1, 2]))],
      ['IEND', Buffer.alloc(0)],
    ])
    const [png] = await convert(new Picture('k', bytes), { format: 'png' })
    const pixels = await sharp(png!.bytes).raw().toBuffer()
    expect([...pixels]).toEqual([255, 0, 0, 255, 0, 255, 0, 0, 0, 0, 255, 128])
    const [tiff] = await convert(new Picture('k', bytes), { format: 'tiff', tiffCompression: 'none' })
    expect((await sharp(tiff!.bytes).metadata()).channels).toBe(4)
  })

  test('of one bit is black and white', async () => {
    const bytes = await encodePng1Bit(Uint8Array.of(0, 255, 255, 0, 0, 255), 3, 2)
    const [made] = await convert(new Picture('k', bytes), { format: 'png' })
    expect([...(await sharp(made!.bytes).extractChannel(0).raw().toBuffer())]).toEqual([
      0, 255, 255, 0, 0, 255,
    ])
    expect((await stats(new Picture('k', bytes))).bitDepth).toBe(1)
  })

  test('interlaced is the same as plain', async () => {
    const [plain, interlaced] = await Promise.all(
      [false, true].map((progressive) => quadrants().png({ progressive }).toBuffer()),
    )
    for (const [job, operation] of operations) {
      const made = await Promise.all(
        [plain!, interlaced!].map((bytes) => operation(new Picture('k', bytes), QUADRANTS)),
      )
      expect(made[0], job).toEqual(made[1])
    }
  })
})

describe('JPEG', () => {
  test('progressive is the same as baseline', async () => {
    const draw = (progressive: boolean) => sharp(fixture('huffman.jpg')).jpeg({ progressive }).toBuffer()
    const decoded = await Promise.all(
      [draw(false), draw(true)].map(async (bytes) => (await pixelsOf(await bytes)).data),
    )
    expect(decoded[0]!.equals(decoded[1]!)).toBe(true)
    const [made] = await convert(new Picture('k', await draw(true)), { format: 'png' })
    expect((await pixelsOf(made!.bytes)).data.equals(decoded[0]!)).toBe(true)
  })

  test('coded arithmetically is decoded in every job', async () => {
    const size = { width: 227, height: 149 }
    const huffman = (await pixelsOf(fixture('huffman.jpg'))).data
    for (const [job, operation] of operations) {
      const { data } = await pixelsOf(await operation(new Picture('k', fixture('arithmetic.jpg')), size))
      const difference =
        data.reduce((sum, value, at) => sum + Math.abs(value - huffman[at]!), 0) / data.length
      expect(difference, job).toBeLessThan(2)
    }
  })

  test('of 12 bits is refused by name', async () => {
    const bytes = Buffer.from(fixture('huffman.jpg'))
    bytes[bytes.indexOf(Buffer.from([0xff, 0xc0])) + 4] = 12
    await expect(convert(new Picture('k', bytes), { format: 'png' })).rejects.toThrow(
      'Cannot decode "k": VipsJpeg: Unsupported JPEG data precision 12',
    )
  })
})

test('floating-point samples are refused, not taken for black', () => {
  const picture = new Picture('k', fixture('float.tif'))
  expect(() => picture.pipeline()).toThrow(PictureError)
  expect(() => picture.pipeline()).toThrow(
    'Cannot decode "k": its samples are floating-point numbers; convert it to 8 or 16 bits first',
  )
})

describe('EXIF orientation', () => {
  // Where the red, green, blue and white corners of the stored picture are once it is upright (EXIF 2.32, 4.6.4 A).
  const UPRIGHT = ['', 'rg/bw', 'gr/wb', 'wb/gr', 'bw/rg', 'rb/gw', 'br/wg', 'wg/br', 'gw/rb']
  const COLOURS = { r: [255, 0, 0], g: [0, 255, 0], b: [0, 0, 255], w: [255, 255, 255] }

  async function cornersOf(bytes: Uint8Array): Promise<string> {
    const { at, width, height } = await pixelsOf(bytes)
    const name = (x: number, y: number) =>
      Object.entries(COLOURS).find(([, colour]) => distance(at(x, y), colour) < 40)?.[0]
    const [right, bottom] = [width - 3, height - 3]
    return `${name(2, 2)}${name(right, 2)}/${name(2, bottom)}${name(right, bottom)}`
  }

  test.each([
    'jpeg',
    'png',
    'webp',
    'tiff',
    'avif',
  ] as const)('of %s is honoured by every job', async (format) => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const drawn = quadrants().withMetadata({ orientation })
      const written =
        format === 'tiff' ? drawn.tiff({ compression: 'lzw' }) : drawn.toFormat(format, { quality: 90 })
      const picture = new Picture('k', await written.toBuffer())
      const { width, height } = QUADRANTS
      const size = orientation > 4 ? { width: height, height: width } : { width, height }
      for (const [job, operation] of operations) {
        const made = await operation(picture, size)
        expect(await cornersOf(made), `${job} of ${orientation}`).toBe(UPRIGHT[orientation])
        expect(await sharp(made).metadata()).toMatchObject(size)
      }
      expect(await stats(picture)).toMatchObject(size)
      // AVIF says it by a property of its own.
      if (format !== 'avif') expect(exif(picture).orientation).toBe(orientation)
    }
  })
})
