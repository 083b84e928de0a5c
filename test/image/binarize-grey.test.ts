import fc from 'fast-check'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { decodeGrey, greyFromRgb } from '../../src/image/grey.js'
import { loadOpenCv, withMats } from '../../src/image/opencv.js'
import { Picture } from '../../src/image/picture.js'
import { decodeRgb } from '../../src/image/rgb.js'
import { photograph, solid } from './pictures.js'

test('grey is what OpenCV makes of the colours, to the bit', async () => {
  const cv = await loadOpenCv()
  // Every second value of each channel with every other, and a width that no step of the kernels divides.
  const [width, height] = [2 ** 7 * 2 ** 7 - 1, 2 ** 7]
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const colour = Math.floor(at / 3)
    return ((colour >> ((at % 3) * 7)) % 128) * 2 + (at % 2)
  })
  const grey = greyFromRgb({ width, height, data })
  withMats(cv, (keep) => {
    const colours = keep(new cv.Mat(height, width, cv.CV_8UC3))
    const theirs = keep(new cv.Mat())
    colours.data.set(data)
    cv.cvtColor(colours, theirs, cv.COLOR_RGB2GRAY)
    expect(Buffer.from(theirs.data).equals(grey.data)).toBe(true)
  })
})

test('any number of pixels becomes grey, in the place of the colours too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 3, maxLength: 200 }), (bytes) => {
      const width = Math.floor(bytes.length / 3)
      const data = bytes.slice(0, width * 3)
      const expected = Array.from({ length: width }, (_, pixel) => {
        const [red, green, blue] = data.subarray(pixel * 3, pixel * 3 + 3)
        return (9798 * red! + 19235 * green! + 3735 * blue! + 16384) >> 15
      })
      expect([...greyFromRgb({ width, height: 1, data }).data]).toEqual(expected)
      expect([...greyFromRgb({ width, height: 1, data }, data.subarray(0, width)).data]).toEqual(expected)
    }),
  )
})

test.each([
  ['a grey PNG', () => sharp(photograph('coins.png'))],
  ['a grey JPEG', () => sharp(photograph('coins.png')).jpeg()],
  ['16-bit grey', () => sharp(photograph('coins.png')).toColourspace('grey16').png()],
  ['a grey TIFF of one bit', () => sharp(photograph('text.png')).toColourspace('b-w').tiff({ bitdepth: 1 })],
  ['grey with alpha', () => sharp(photograph('coins.png')).ensureAlpha(0.4).toColourspace('b-w').png()],
  ['a colour', () => solid({ r: 200, g: 30, b: 90 }).png()],
  ['a palette', () => solid('teal').png({ palette: true })],
])('%s has the grey of its colours', async (_, draw) => {
  const bytes = await draw().toBuffer()
  const { width, height, data } = await decodeGrey(new Picture('k', bytes))
  const expected = greyFromRgb(await decodeRgb(new Picture('k', bytes)))
  expect([width, height]).toEqual([expected.width, expected.height])
  expect(Buffer.from(data).equals(expected.data)).toBe(true)
})
