import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { greyHistogram } from '../../src/image/binarize/histogram.js'
import { inkOf } from '../../src/image/binarize/ink.js'
import {
  BINARIZE_METHODS,
  binarizeGrey,
  overlapOf,
  type ThresholdOptions,
} from '../../src/image/binarize/methods.js'
import { otsuThreshold } from '../../src/image/binarize/otsu.js'
import { decodeGrey, type GreyPixels } from '../../src/image/grey.js'
import { loadOpenCv, withMats } from '../../src/image/opencv.js'
import { Picture } from '../../src/image/picture.js'
import { decodeRgb } from '../../src/image/rgb.js'
import { scoreBinarization } from './binarization-scores.js'
import { PHOTOGRAPHS, photograph } from './pictures.js'

const fixture = (name: string) => readFileSync(new URL(`../fixtures/binarize/${name}`, import.meta.url))
const blackAndWhite = async (name: string) => sharp(fixture(name)).extractChannel(0).raw().toBuffer()
const manuscript = () => new Picture('2JohnC1V3.webp', fixture('2JohnC1V3.webp'))

const differences = (a: Uint8Array, b: Uint8Array) => a.filter((value, at) => value !== b[at]).length

/** What Doxa has published of its test picture, with these options. */
const PUBLISHED: [file: string, options: ThresholdOptions, fMeasure: number][] = [
  ['otsu', { method: 'otsu' }, 92.09],
  ['sauvola', { method: 'sauvola', window: 27, k: 0.1 }, 93.2],
  ['wolf', { method: 'wolf', window: 21, k: 0.18 }, 93.33],
  ['niblack', { method: 'niblack', window: 223, k: -0.61 }, 92.55],
  ['nick', { method: 'nick', window: 45, k: -0.1 }, 93.05],
  ['su', { method: 'su' }, 85.41],
]

describe('On the grey that Doxa makes of its test picture', () => {
  async function doxaGrey(): Promise<GreyPixels> {
    const { width, height, data } = await decodeRgb(manuscript())
    const grey = (at: number) => (11 * data[at * 3]! + 16 * data[at * 3 + 1]! + 5 * data[at * 3 + 2]!) >> 5
    return { width, height, data: Uint8Array.from({ length: width * height }, (_, at) => grey(at)) }
  }

  test.each(
    PUBLISHED,
  )('%s makes what Doxa has published, pixel for pixel', async (name, options, fMeasure) => {
    const grey = await doxaGrey()
    const made = await binarizeGrey(grey, options)
    // NICK's formula is the paper's, Doxa leaves out a term that counts for 5 pixels here.
    expect(differences(made, await blackAndWhite(`2JohnC1V3-${name}.png`))).toBe(name === 'nick' ? 5 : 0)
    const scores = scoreBinarization(
      made,
      await blackAndWhite('2JohnC1V3-truth.png'),
      grey.width,
      grey.height,
    )
    expect(scores.fMeasure).toBeCloseTo(fMeasure, 1)
  })

  test('Sauvola has the published F-measure, PSNR and DRDM', async () => {
    const grey = await doxaGrey()
    const made = await binarizeGrey(grey, { method: 'sauvola', window: 27, k: 0.1 })
    const scores = scoreBinarization(
      made,
      await blackAndWhite('2JohnC1V3-truth.png'),
      grey.width,
      grey.height,
    )
    expect(scores.fMeasure).toBeCloseTo(93.204, 2)
    expect(scores.psnr).toBeCloseTo(16.329, 3)
    expect(scores.drdm).toBeCloseTo(1.9519, 3)
  })
})

test.each(
  PUBLISHED,
)('%s comes within 0.1 of the published F-measure on our own grey', async (_, options, fMeasure) => {
  const grey = await decodeGrey(manuscript())
  const made = await binarizeGrey(grey, options)
  const scores = scoreBinarization(made, await blackAndWhite('2JohnC1V3-truth.png'), grey.width, grey.height)
  expect(Math.abs(scores.fMeasure - fMeasure)).toBeLessThan(0.1)
})

/** The pixels of the window around one, as far as they lie in the picture. */
function windowAround({ width, height, data }: GreyPixels, x: number, y: number, window: number): number[] {
  const radius = window >> 1
  const pixels: number[] = []
  for (let b = Math.max(0, y - radius); b <= Math.min(height - 1, y + radius); b++) {
    for (let a = Math.max(0, x - radius); a <= Math.min(width - 1, x + radius); a++) {
      pixels.push(data[b * width + a]!)
    }
  }
  return pixels
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const deviation = (values: readonly number[]) =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)))

/** Thresholds by the formulas of the papers, pixel by pixel. */
const BY_THE_BOOK = {
  niblack: (pixels: number[], k: number) => mean(pixels) + k * deviation(pixels),
  sauvola: (pixels: number[], k: number) => mean(pixels) * (1 + k * (deviation(pixels) / 128 - 1)),
  wolf: (pixels: number[], k: number, darkest: number, range: number) =>
    (1 - k) * mean(pixels) + k * darkest + k * (deviation(pixels) / range) * (mean(pixels) - darkest),
  nick: (pixels: number[], k: number, _darkest: number, _range: number, window: number) =>
    mean(pixels) + k * Math.sqrt(mean(pixels.map((pixel) => pixel ** 2)) - mean(pixels) ** 2 / window ** 2),
}

function byTheBook(grey: GreyPixels, method: keyof typeof BY_THE_BOOK, window: number, k: number) {
  const { width, data } = grey
  const windows = Array.from(data, (_, at) => windowAround(grey, at % width, Math.floor(at / width), window))
  const range = Math.max(...windows.map(deviation))
  const darkest = Math.min(...data)
  return windows.map((pixels) => BY_THE_BOOK[method](pixels, k, darkest, range, window))
}

const pictures = fc
  .record({ width: fc.integer({ min: 1, max: 21 }), height: fc.integer({ min: 1, max: 9 }) })
  .chain(({ width, height }) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      data: fc.uint8Array({ minLength: width * height, maxLength: width * height }),
    }),
  )
const windows = fc.integer({ min: 1, max: 12 }).map((radius) => 2 * radius + 1)

test.each(
  Object.keys(BY_THE_BOOK) as (keyof typeof BY_THE_BOOK)[],
)('%s follows its formula on any picture, with any window', async (method) => {
  const weights = fc.integer({ min: -40, max: 60 }).map((hundredths) => hundredths / 100)
  await fc.assert(
    fc.asyncProperty(pictures, windows, weights, async (grey, window, k) => {
      const thresholds = byTheBook(grey, method, window, k)
      const made = await binarizeGrey(grey, { method, window, k })
      for (const [at, threshold] of thresholds.entries()) {
        const above = grey.data[at]! - threshold
        // At the threshold itself the formula's roundings decide.
        if (Math.abs(above) > 1e-9 || Number.isNaN(above))
          expect([at, made[at]]).toEqual([at, above > 0 ? 255 : 0])
      }
    }),
    { numRuns: 40 },
  )
})

test.each(
  BINARIZE_METHODS.filter((method) => overlapOf({ method }) !== undefined),
)('%s makes the same of a part with its overlap as of the whole', async (method) => {
  const grey = await decodeGrey(new Picture('k', photograph('page.png')))
  const { width, height, data } = grey
  const options = { method, window: 21 } as const
  const overlap = overlapOf(options)!
  const whole = await binarizeGrey(grey, options)
  const [top, bottom] = [60, 130]
  const readTop = Math.max(0, top - overlap)
  const readBottom = Math.min(height, bottom + overlap)
  const part = await binarizeGrey(
    { width, height: readBottom - readTop, data: data.subarray(readTop * width, readBottom * width) },
    options,
  )
  const own = part.subarray((top - readTop) * width, (bottom - readTop) * width)
  expect(differences(own, whole.subarray(top * width, bottom * width))).toBe(0)
})

test('the overlap is half a window, nothing for one given threshold, and not to be had for what the whole tells', () => {
  expect(overlapOf({ method: 'sauvola', window: 25 })).toBe(12)
  expect(overlapOf({ method: 'nick' })).toBe(9)
  expect(overlapOf({ method: 'fixed' })).toBe(0)
  const global: ThresholdOptions[] = [
    {},
    { method: 'wolf' },
    { method: 'su' },
    { method: 'nick', ink: 'auto' },
  ]
  expect(global.map(overlapOf)).toEqual([undefined, undefined, undefined, undefined])
})

describe.each([
  ['one pixel', { width: 1, height: 1, data: Uint8Array.of(200) }],
  ['one row', { width: 300, height: 1, data: new Uint8Array(300).map((_, x) => x) }],
  ['one column', { width: 1, height: 300, data: new Uint8Array(300).map((_, y) => y) }],
  ['one grey', { width: 19, height: 7, data: new Uint8Array(19 * 7).fill(93) }],
  ['black', { width: 8, height: 8, data: new Uint8Array(64) }],
])('A picture of %s', (_, grey) => {
  test.each(BINARIZE_METHODS)('is taken by %s, with windows larger than itself', async (method) => {
    for (const window of [3, 51, 2047]) {
      const made = await binarizeGrey(grey, { method, window })
      expect(made.length).toBe(grey.data.length)
      expect(made.every((pixel) => pixel === 0 || pixel === 255)).toBe(true)
    }
  })
})

test('paper of one grey stays white with Sauvola, NICK, Su and Otsu', async () => {
  const paper = { width: 50, height: 40, data: new Uint8Array(2000).fill(240) }
  for (const method of ['sauvola', 'nick', 'su', 'otsu'] as const) {
    expect([method, new Set(await binarizeGrey(paper, { method }))]).toEqual([method, new Set([255])])
  }
})

test("Niblack's ties are black: where the window has one grey, the pixel is at its threshold", async () => {
  const data = new Uint8Array(900).fill(171)
  expect(new Set(await binarizeGrey({ width: 30, height: 30, data }, { method: 'niblack' }))).toEqual(
    new Set([0]),
  )
})

test.each([
  'mean',
  'gaussian',
] as const)('adaptive-%s is what OpenCV makes of the whole picture', async (weights) => {
  const cv = await loadOpenCv()
  // Three bands of a million pixels.
  const [width, height, window, c] = [1700, 1300, 11, 2.5]
  const data = Uint8Array.from({ length: width * height }, (_, at) => (at * 2654435761) >>> 24)
  const made = await binarizeGrey({ width, height, data }, { method: `adaptive-${weights}`, window, c })
  withMats(cv, (keep) => {
    const grey = keep(new cv.Mat(height, width, cv.CV_8UC1))
    const whole = keep(new cv.Mat())
    grey.data.set(data)
    const method = weights === 'mean' ? cv.ADAPTIVE_THRESH_MEAN_C : cv.ADAPTIVE_THRESH_GAUSSIAN_C
    cv.adaptiveThreshold(grey, whole, 255, method, cv.THRESH_BINARY, window, c)
    expect(differences(made, whole.data)).toBe(0)
  })
})

test('fixed makes black what is not above the threshold', async () => {
  const grey = { width: 4, height: 1, data: Uint8Array.of(0, 99, 100, 255) }
  expect([...(await binarizeGrey(grey, { method: 'fixed', threshold: 99 }))]).toEqual([0, 0, 255, 255])
  expect([...(await binarizeGrey(grey, { method: 'fixed' }))]).toEqual([0, 0, 0, 255])
})

describe('Ink', () => {
  const page = async () => decodeGrey(new Picture('k', photograph('page.png')))
  const negative = ({ width, height, data }: GreyPixels) => ({
    width,
    height,
    data: data.map((pixel) => 255 - pixel),
  })

  test.each(
    BINARIZE_METHODS,
  )('that is light becomes black too: %s makes the same of the negative', async (method) => {
    const grey = await page()
    const dark = await binarizeGrey(grey, { method })
    expect(differences(await binarizeGrey(negative(grey), { method, ink: 'light' }), dark)).toBe(0)
  })

  test('is told from paper by how much there is of it', async () => {
    const grey = await page()
    expect(inkOf(greyHistogram(grey.data))).toBe('dark')
    expect(inkOf(greyHistogram(negative(grey).data))).toBe('light')
    const options = { method: 'sauvola', ink: 'auto' } as const
    expect(differences(await binarizeGrey(negative(grey), options), await binarizeGrey(grey, options))).toBe(
      0,
    )
  })

  test('is dark unless it is asked for: a dark picture stays dark', async () => {
    const night = { width: 10, height: 1, data: Uint8Array.of(9, 8, 9, 7, 9, 8, 9, 8, 7, 250) }
    expect([...(await binarizeGrey(night))].filter((pixel) => pixel === 0)).toHaveLength(9)
    expect([...(await binarizeGrey(night, { ink: 'auto' }))].filter((pixel) => pixel === 0)).toHaveLength(1)
  })
})

describe('Histograms', () => {
  test('count any pixels, and those of parts add up', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (pixels, cut) => {
        const counted = new Float64Array(256)
        for (const pixel of pixels) counted[pixel]!++
        expect(greyHistogram(pixels)).toEqual(counted)
        const parts = [pixels.subarray(0, cut), pixels.subarray(cut)].map(greyHistogram)
        expect(parts[0]!.map((count, grey) => count + parts[1]![grey]!)).toEqual(counted)
      }),
    )
  })

  test.each(PHOTOGRAPHS)("of %s: Otsu's threshold is that of OpenCV", async (name) => {
    const cv = await loadOpenCv()
    const { width, height, data } = await decodeGrey(new Picture(name, photograph(name)))
    withMats(cv, (keep) => {
      const grey = keep(new cv.Mat(height, width, cv.CV_8UC1))
      grey.data.set(data)
      const threshold = cv.threshold(grey, grey, 0, 255, cv.THRESH_BINARY | cv.THRESH_OTSU)
      expect(otsuThreshold(greyHistogram(data))).toBe(threshold)
    })
  })

  test('of two greys are divided at the darker one, of one grey and of none at 0', () => {
    const histogram = new Float64Array(256)
    expect(otsuThreshold(histogram)).toBe(0)
    histogram[40] = 7
    expect(otsuThreshold(histogram)).toBe(0)
    histogram[200] = 3
    expect(otsuThreshold(histogram)).toBe(40)
  })
})

test.each([
  [{ method: 'magic' }, `method is "magic", expected ${BINARIZE_METHODS.join(', ')}`],
  [{ method: 'sauvola', window: 24 }, 'window is 24, expected an odd whole number from 3 to 2047'],
  [{ window: 1 }, 'window is 1, expected an odd whole number from 3 to 2047'],
  [{ window: 2049 }, 'window is 2049, expected an odd whole number from 3 to 2047'],
  [{ window: 15.5 }, 'window is 15.5, expected an odd whole number from 3 to 2047'],
  [{ method: 'niblack', k: Number.NaN }, 'k is "NaN", expected a finite number'],
  [{ method: 'niblack', k: Number.POSITIVE_INFINITY }, 'k is "Infinity", expected a finite number'],
  [{ threshold: 256 }, 'threshold is 256, expected a whole number from 0 to 255'],
  [{ method: 'sauvola', r: 0 }, 'r is 0, expected a number above 0'],
  [{ method: 'su', minN: 0 }, 'minN is 0, expected a whole number from 1'],
  [{ c: Number.NEGATIVE_INFINITY }, 'c is "-Infinity", expected a finite number'],
  [{ ink: 'blue' }, 'ink is "blue", expected dark, light, auto'],
])('%o is refused', async (options, message) => {
  const grey = { width: 1, height: 1, data: new Uint8Array(1) }
  const attempt = binarizeGrey(grey, options as ThresholdOptions)
  await expect(attempt).rejects.toBeInstanceOf(UsageError)
  await expect(attempt).rejects.toThrow(`Cannot binarize pictures: ${message}`)
})
