import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { LimitError, PictureError, UsageError } from '../../src/errors.js'
import { type ConvertOptions, convert } from '../../src/image/convert.js'
import { keyWithFormat, keyWithPart } from '../../src/image/derived-key.js'
import { DEFAULT_LIMITS } from '../../src/image/limits.js'
import { Picture } from '../../src/image/picture.js'
import { loadSharp } from '../../src/image/sharp.js'
import { thumbnail } from '../../src/image/thumbnail.js'
import { animation, distance, photograph, pixelsOf, quadrants, solid } from './pictures.js'

const FORMATS = ['jpeg', 'png', 'webp', 'avif', 'tiff'] as const

const converted = (bytes: Uint8Array, options: ConvertOptions, key = 'k') =>
  convert(new Picture(key, bytes), options)

/** A TIFF of pages, each of one colour. */
async function pagedTiff(...colours: string[]): Promise<Buffer> {
  const pages = await Promise.all(colours.map((colour) => solid(colour).png().toBuffer()))
  return sharp(pages, { join: { animated: true } })
    .tiff({ compression: 'lzw' })
    .toBuffer()
}

describe('a picture', () => {
  const small = () => sharp(photograph('coffee.jpg')).resize(60)

  test.each([
    'jpeg',
    'png',
    'webp',
    'gif',
    'tiff',
    'avif',
  ] as const)('of %s becomes any format', async (from) => {
    const bytes = await small().toFormat(from).toBuffer()
    const truth = await pixelsOf(bytes)
    for (const format of FORMATS) {
      const [made, ...more] = await converted(bytes, { format, quality: 95, chroma: '4:4:4' })
      expect(more).toEqual([])
      const { data } = await pixelsOf(made!.bytes)
      const difference =
        data.reduce((sum, value, at) => sum + Math.abs(value - truth.data[at]!), 0) / data.length
      expect(difference, format).toBeLessThan(format === 'png' || format === 'tiff' ? 0.001 : 6)
      expect((await sharp(made!.bytes).metadata()).format).toBe(format === 'avif' ? 'heif' : format)
    }
  })

  test('keeps its key, or gets the extension of the format', async () => {
    const bytes = await quadrants().tiff().toBuffer()
    const [same] = await converted(bytes, { format: 'jpeg' }, 'box 1/scan.tif')
    const [renamed] = await converted(bytes, { format: 'jpeg', rename: true }, 'box 1/scan.tif')
    expect([same!.key, renamed!.key]).toEqual(['box 1/scan.tif', 'box 1/scan.jpg'])
  })

  test('keeps its transparency where the format can', async () => {
    const glass = await solid({ r: 255, g: 0, b: 0, alpha: 0.5 }, 4).png().toBuffer()
    for (const format of FORMATS) {
      const [made] = await converted(glass, { format, background: 'blue', quality: 100 })
      expect((await sharp(made!.bytes).metadata()).hasAlpha, format).toBe(format !== 'jpeg')
      if (format === 'jpeg')
        expect(distance((await pixelsOf(made!.bytes)).at(9, 9), [128, 0, 127])).toBeLessThanOrEqual(3)
    }
  })
})

test.each([
  ['a/b.jpg', 'a/b.7.jpg', 'a/b.webp'],
  ['a.b/c', 'a.b/c.7', 'a.b/c.webp'],
  ['a/.hidden', 'a/.hidden.7', 'a/.hidden.webp'],
  ['x.tar.gz', 'x.tar.7.gz', 'x.tar.webp'],
  ['', '.7', '.webp'],
])('of the key %s are made %s and %s', (key, withPart, withFormat) => {
  expect([keyWithPart(key, 7), keyWithFormat(key, 'webp')]).toEqual([withPart, withFormat])
})

describe('of several pages', () => {
  test('the first is taken if nothing else is asked for', async () => {
    for (const bytes of [await animation('gif'), await animation('webp'), await pagedTiff('red', 'lime')]) {
      const made = await converted(bytes, { format: 'tiff' }, 'a.x')
      expect(made.map(({ key }) => key)).toEqual(['a.x'])
      const { at, height } = await pixelsOf(made[0]!.bytes)
      expect([at(5, 5), height]).toEqual([[255, 0, 0], 32])
      expect((await sharp(made[0]!.bytes).metadata()).pages ?? 1).toBe(1)
    }
  })

  test('an animation stays one in WebP, with its times', async () => {
    const frames = await Promise.all(['red', 'lime', 'blue'].map((colour) => solid(colour).png().toBuffer()))
    const gif = await sharp(frames, { join: { animated: true } })
      .gif({ delay: [50, 100, 250], loop: 3 })
      .toBuffer()
    const [made, ...more] = await converted(gif, { format: 'webp', pages: 'all', lossless: true }, 'a.gif')
    expect(more).toEqual([])
    expect(made!.key).toBe('a.gif')
    expect(await sharp(made!.bytes).metadata()).toMatchObject({ pages: 3, delay: [50, 100, 250], loop: 3 })
    const { at } = await pixelsOf(await sharp(made!.bytes, { page: 2 }).png().toBuffer())
    expect(at(5, 5)).toEqual([0, 0, 255])
  })

  test.each([
    ['a GIF', () => animation('gif')],
    ['a WebP', () => animation('webp')],
    ['a TIFF', () => pagedTiff('red', 'lime', 'blue')],
  ])('all of %s fit into one TIFF', async (_, draw) => {
    const [made, ...more] = await converted(await draw(), { format: 'tiff', pages: 'all' })
    expect(more).toEqual([])
    expect((await sharp(made!.bytes).metadata()).pages).toBe(3)
    const { at } = await pixelsOf(await sharp(made!.bytes, { page: 1 }).png().toBuffer())
    expect(at(5, 5)).toEqual([0, 255, 0])
  })

  test.each([
    ['a GIF', () => animation('gif')],
    ['a WebP', () => animation('webp')],
    ['a TIFF', () => pagedTiff('red', 'lime', 'blue')],
  ])('each of %s becomes a picture of its own in the other formats', async (_, draw) => {
    for (const format of ['png', 'jpeg'] as const) {
      const made = await converted(
        await draw(),
        { format, pages: 'all', quality: 100, rename: true },
        'a/b.x',
      )
      const extension = format === 'png' ? 'png' : 'jpg'
      expect(made.map(({ key }) => key)).toEqual(
        ['0001', '0002', '0003'].map((page) => `a/b.${page}.${extension}`),
      )
      const colours = await Promise.all(made.map(async ({ bytes }) => (await pixelsOf(bytes)).at(16, 16)))
      for (const [index, colour] of [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
      ].entries()) {
        expect(distance(colours[index]!, colour)).toBeLessThanOrEqual(3)
      }
    }
  })

  test('a picture of one page keeps its key', async () => {
    const made = await converted(await quadrants().png().toBuffer(), { format: 'png', pages: 'all' }, 'a.png')
    expect(made.map(({ key }) => key)).toEqual(['a.png'])
  })

  // Red of 48 x 32, lime of 20 x 40, grey of 48 x 32.
  const mixed = () => readFileSync(new URL('../fixtures/colour/mixed-pages.tif', import.meta.url))

  test('those that differ in size become pictures of their own, grey ones grey', async () => {
    const made = await converted(mixed(), { format: 'png', pages: 'all' }, 'scan.tif')
    const facts = await Promise.all(made.map(async ({ bytes }) => sharp(bytes).metadata()))
    expect(facts.map(({ width, height, space }) => [width, height, space])).toEqual([
      [48, 32, 'srgb'],
      [20, 40, 'srgb'],
      [48, 32, 'b-w'],
    ])
    expect((await pixelsOf(made[1]!.bytes)).at(5, 5)).toEqual([0, 255, 0])
  })

  test.each([
    ['webp', 'WebP'],
    ['tiff', 'TIFF'],
  ] as const)('those that differ in size do not fit into one %s, and the message says what to do', async (format, name) => {
    const error = await converted(mixed(), { format, pages: 'all' }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(PictureError)
    expect(error.message).toBe(
      `Cannot convert "k": its 3 pages differ in size or in colours, and those of a ${name} can't; PNG or JPEG are made of each page`,
    )
  })

  test('that are to be turned are refused', async () => {
    const frames = await Promise.all(['red', 'lime'].map((colour) => solid(colour).png().toBuffer()))
    const turned = await sharp(frames, { join: { animated: true } })
      .withMetadata({ orientation: 3 })
      .webp()
      .toBuffer()
    for (const format of ['webp', 'png'] as const) {
      await expect(converted(turned, { format, pages: 'all' })).rejects.toThrow(
        'Cannot convert "k": it has several pages and is to be turned by its EXIF orientation; --pages first takes the first',
      )
    }
    await expect(converted(turned, { format: 'png' })).resolves.toHaveLength(1)
  })

  test('that are together over the pixel limit are refused', async () => {
    const limits = { ...DEFAULT_LIMITS, maxPixels: 2 * 32 * 32 }
    const picture = new Picture('k', await animation('gif'), limits)
    for (const format of ['webp', 'png'] as const) {
      await expect(convert(picture, { format, pages: 'all' })).rejects.toBeInstanceOf(LimitError)
    }
    await expect(convert(picture, { format: 'png' })).resolves.toHaveLength(1)
  })
})

describe('SVG', () => {
  const NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
  const svg = (content: string, size = 'width="20" height="10"', head = '') =>
    Buffer.from(`${head}<svg ${NAMESPACES} ${size}>${content}</svg>`)
  const drawn = async (bytes: Buffer) =>
    (await converted(bytes, { format: 'png', allowSvg: true }, 'a.svg'))[0]!.bytes
  const red = svg('<rect width="20" height="10" fill="red"/>')

  test('is refused if it is not asked for, also once another job has asked', async () => {
    const refused = 'Cannot convert "k": it is SVG; --allow-svg draws it, if you trust where it is from'
    await expect(converted(red, { format: 'png' })).rejects.toThrow(refused)
    await drawn(red)
    await expect(converted(red, { format: 'png' })).rejects.toThrow(refused)
    await expect(thumbnail(new Picture('k', red))).rejects.toThrow('Cannot decode "k": it is SVG;')
  })

  test('is drawn at its own size', async () => {
    const { width, height, at } = await pixelsOf(await drawn(red))
    expect([width, height, at(3, 3)]).toEqual([20, 10, [255, 0, 0]])
    expect((await pixelsOf(await drawn(svg('', 'viewBox="0 0 30 40"')))).height).toBe(40)
  })

  test('shows the background where nothing is drawn', async () => {
    const [made] = await converted(svg(''), {
      format: 'jpeg',
      allowSvg: true,
      background: 'blue',
      quality: 100,
    })
    expect(distance((await pixelsOf(made!.bytes)).at(9, 5), [0, 0, 255])).toBeLessThanOrEqual(3)
  })

  test('is drawn though another thread blocks it meanwhile', async () => {
    const made = drawn(red)
    loadSharp().block({ operation: ['VipsForeignLoadSvg'] })
    await expect(made).resolves.toBeDefined()
  })

  test.each([
    ['a file', (path: string) => svg(`<image width="20" height="10" xlink:href="file://${path}"/>`)],
    ['a path', (path: string) => svg(`<image width="20" height="10" href="${path}"/>`)],
    ['an address', () => svg('<image width="20" height="10" href="http://127.0.0.1:9/a.png"/>')],
    [
      'a style sheet',
      (path: string) =>
        svg(`<style>@import url("file://${path}.css");</style><rect fill="none" width="9" height="9"/>`),
    ],
    ['another SVG', (path: string) => svg(`<use xlink:href="file://${path}.svg#a"/>`)],
    [
      'a part by XInclude',
      (path: string) =>
        svg(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="file://${path}"/>`),
    ],
  ])('shows nothing of %s beside it', async (_, draw) => {
    const path = new URL('../../examples/images/coffee.jpg', import.meta.url).pathname
    const pixels = await sharp(await drawn(draw(path)))
      .raw()
      .toBuffer()
    expect(new Set(pixels)).toEqual(new Set([0]))
  })

  test('with an entity of a file is refused', async () => {
    const head = '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    await expect(drawn(svg('<text y="9">&x;</text>', undefined, head))).rejects.toThrow(
      /^Cannot decode "a.svg": .*Entity 'x' not defined/,
    )
  })

  test('whose entities grow without end is refused', async () => {
    const entities = Array.from({ length: 11 }, (_, at) => `<!ENTITY a${at + 1} "${`&a${at};`.repeat(10)}">`)
    const head = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a0 "ha">${entities.join('')}]>`
    await expect(drawn(svg('<text>&a11;</text>', undefined, head))).rejects.toThrow(/amplification/)
  })

  test('is under the pixel limit by the size that it would be drawn at', async () => {
    const error = await drawn(svg('', 'width="30000" height="30000"')).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(LimitError)
    expect(error.message).toMatch(
      /^Cannot decode "a.svg": its pixels are more than the limit; raise --max-pixels/,
    )
  })

  test('that is broken is refused', async () => {
    await expect(drawn(Buffer.from(`<svg ${NAMESPACES} width="20" height="20"><rect`))).rejects.toThrow(
      /^Cannot decode "a.svg": .*XML parse error/,
    )
  })
})

test('a damaged picture is refused', async () => {
  const cut = photograph('rocket.jpg').subarray(0, 9000)
  await expect(converted(cut, { format: 'png' })).rejects.toBeInstanceOf(PictureError)
})

test.each([
  [{ format: 'gif' }, 'format is "gif", expected jpeg, png, webp, avif, tiff'],
  [{}, 'format is "same", expected jpeg, png, webp, avif, tiff'],
  [{ format: 'png', pages: 'last' }, 'pages is "last", expected first, all'],
])('the options %o are refused', async (options, message) => {
  const error = await converted(photograph('coffee.jpg'), options as ConvertOptions).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect(error.message).toBe(`Cannot convert pictures: ${message}`)
})
