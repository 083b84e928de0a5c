import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { LimitError, PictureError, UsageError } from '../../src/errors.js'
import { BINARIZE_METHODS, type BinarizeOptions, binarize } from '../../src/image/binarize.js'
import { decodeGrey } from '../../src/image/grey.js'
import { loadOpenCv, withMats } from '../../src/image/opencv.js'
import { Picture } from '../../src/image/picture.js'
import { animation, bombPng, PHOTOGRAPHS, photograph, QUADRANTS, quadrants, solid } from './pictures.js'

/** The black and white pixels of a PNG, 0 or 255. */
async function blackAndWhite(png: Uint8Array) {
  const { data, info } = await sharp(png).extractChannel(0).raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, data }
}

/** Otsu's threshold by the book: the grey that makes the variance between the classes largest. */
function referenceThreshold(grey: Uint8Array): number {
  const histogram = new Array<number>(256).fill(0)
  for (const value of grey) histogram[value]!++
  const mean = histogram.reduce((sum, count, value) => sum + count * value, 0) / grey.length
  let [best, bestVariance] = [0, 0]
  let [weight, moment] = [0, 0]
  for (let threshold = 0; threshold < 256; threshold++) {
    weight += histogram[threshold]! / grey.length
    moment += (threshold * histogram[threshold]!) / grey.length
    if (weight === 0 || weight >= 1 - 1e-12) continue
    const variance = (mean * weight - moment) ** 2 / (weight * (1 - weight))
    if (variance > bestVariance * (1 + 1e-12)) [best, bestVariance] = [threshold, variance]
  }
  return best
}

describe("Otsu's threshold is that of the histogram", () => {
  test.each(PHOTOGRAPHS)('of %s', async (name) => {
    const { data } = await decodeGrey(new Picture(name, photograph(name)))
    const made = await blackAndWhite(await binarize(new Picture(name, photograph(name))))
    const threshold = referenceThreshold(data)
    expect(made.data.every((pixel, at) => pixel === (data[at]! > threshold ? 255 : 0))).toBe(true)
  })
})

test.each([
  'page.png',
  'coffee.jpg',
])('%s becomes a one-bit PNG of the same size, the same each time', async (name) => {
  const bytes = photograph(name)
  const stored = await sharp(bytes).metadata()
  const png = await binarize(new Picture(name, bytes))
  expect(await sharp(png).metadata()).toMatchObject({
    format: 'png',
    width: stored.width,
    height: stored.height,
    bitsPerSample: 1,
  })
  expect(Buffer.from(png).equals(await binarize(new Picture(name, bytes), { method: 'otsu' }))).toBe(true)
  const { data } = await blackAndWhite(png)
  expect(new Set(data)).toEqual(new Set([0, 255]))
})

test('the picture is turned upright', async () => {
  const lying = await quadrants().withMetadata({ orientation: 6 }).png().toBuffer()
  const { width, height, data } = await blackAndWhite(await binarize(new Picture('k', lying)))
  expect([width, height]).toEqual([QUADRANTS.height, QUADRANTS.width])
  // Upright its corners are blue, red, white, green; Otsu leaves red and blue dark.
  const corners = [0, width - 1, (height - 1) * width, height * width - 1].map((at) => data[at])
  expect(corners).toEqual([0, 0, 255, 255])
})

test('transparency lies on white', async () => {
  const half = Buffer.concat([
    Buffer.alloc(16 * 8 * 4, 0),
    Buffer.alloc(16 * 8 * 4, Buffer.from('000000ff', 'hex')),
  ])
  const png = await sharp(half, { raw: { width: 16, height: 16, channels: 4 } })
    .png()
    .toBuffer()
  const { data } = await blackAndWhite(await binarize(new Picture('k', png)))
  expect([data[0], data[255]]).toEqual([255, 0])
})

test.each([
  ['16-bit grey', () => sharp(photograph('coins.png')).toColourspace('grey16').png()],
  ['CMYK', () => sharp(photograph('coffee.jpg')).toColourspace('cmyk').jpeg()],
  ['one pixel', () => solid('white', 3, 1).png()],
])('%s is taken', async (_, draw) => {
  const bytes = await draw().toBuffer()
  const { width, height } = await sharp(bytes).metadata()
  expect(await blackAndWhite(await binarize(new Picture('k', bytes)))).toMatchObject({ width, height })
})

test('of an animation the first frame is taken', async () => {
  expect((await blackAndWhite(await binarize(new Picture('k', await animation('gif'))))).height).toBe(32)
})

/** Tag 259 of a little-endian TIFF's first directory. */
function compressionOf(tiff: Buffer): number | undefined {
  const directory = tiff.readUInt32LE(4)
  const entries = Array.from(
    { length: tiff.readUInt16LE(directory) },
    (_, index) => directory + 2 + index * 12,
  )
  const entry = entries.find((at) => tiff.readUInt16LE(at) === 259)
  return entry && tiff.readUInt16LE(entry + 8)
}

const CCITT_GROUP_4 = 4

test('a TIFF in fax group 4 has the same pixels as the PNG', async () => {
  for (const [name, options] of [
    ['page.png', { method: 'sauvola' }],
    ['coffee.jpg', {}],
  ] as const) {
    const picture = new Picture(name, photograph(name))
    const tiff = await binarize(picture, { ...options, format: 'tiff' })
    expect(await sharp(tiff).metadata()).toMatchObject({ format: 'tiff', bitsPerSample: 1 })
    expect(compressionOf(Buffer.from(tiff))).toBe(CCITT_GROUP_4)
    const { data } = await sharp(tiff).extractChannel(0).raw().toBuffer({ resolveWithObject: true })
    expect(data.equals((await blackAndWhite(await binarize(picture, options))).data)).toBe(true)
  }
})

test('what cannot be decoded is set aside with its reason', async () => {
  const cut = new Picture('cut.jpg', photograph('rocket.jpg').subarray(0, 50_000))
  await expect(binarize(cut)).rejects.toThrow('Cannot decode "cut.jpg": premature end of JPEG image')
  await expect(binarize(new Picture('k', Buffer.alloc(0)))).rejects.toBeInstanceOf(PictureError)
  await expect(binarize(new Picture('k', bombPng()))).rejects.toBeInstanceOf(LimitError)
  const options = { method: 'magic' } as unknown as BinarizeOptions
  const format = { format: 'gif' } as unknown as BinarizeOptions
  await expect(binarize(cut, format)).rejects.toThrow(
    new UsageError('Cannot binarize pictures: format is "gif", expected png, tiff'),
  )
  await expect(binarize(cut, options)).rejects.toThrow(
    new UsageError(`Cannot binarize pictures: method is "magic", expected ${BINARIZE_METHODS.join(', ')}`),
  )
})

test("OpenCV's heap does not grow from picture to picture", async () => {
  const cv = await loadOpenCv()
  const picture = new Picture('k', photograph('retina.jpg'))
  const options = { method: 'adaptive-gaussian' } as const
  await binarize(picture, options)
  const heap = cv.HEAP8.length
  const firstFree = withMats(cv, (keep) => keep(new cv.Mat(2000, 2000, cv.CV_8UC1)).data.byteOffset)
  for (let round = 0; round < 50; round++) await binarize(new Picture('k', photograph('page.png')), options)
  await binarize(picture, options)
  expect(cv.HEAP8.length).toBe(heap)
  // A Mat that leaked would lie where the next large one had its place.
  expect(withMats(cv, (keep) => keep(new cv.Mat(2000, 2000, cv.CV_8UC1)).data.byteOffset)).toBe(firstFree)
})
