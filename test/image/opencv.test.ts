import { expect, test } from 'vitest'
import { loadOpenCv, type Mat, withMats } from '../../src/image/opencv.js'

test('OpenCV is loaded once and leaves no listeners on the process', async () => {
  const listeners = () => [
    process.listenerCount('uncaughtException'),
    process.listenerCount('unhandledRejection'),
  ]
  const before = listeners()
  const [first, second] = await Promise.all([loadOpenCv(), loadOpenCv()])
  expect(first).toBe(second)
  expect(listeners()).toEqual(before)
})

test('Mats are freed when the work is done and when it throws', async () => {
  const cv = await loadOpenCv()
  const kept: Mat[] = []
  const make = (keep: (mat: Mat) => Mat) => kept.push(keep(new cv.Mat(4, 4, cv.CV_8UC1)))
  withMats(cv, make)
  expect(() =>
    withMats(cv, (keep) => {
      make(keep)
      throw new TypeError('mine')
    }),
  ).toThrow(new TypeError('mine'))
  for (const mat of kept) expect(() => mat.delete()).toThrow(/deleted/)
})

test("OpenCV's own exceptions, bare pointers, become errors", async () => {
  const cv = await loadOpenCv()
  const wrong = () =>
    withMats(cv, (keep) => {
      const grey = keep(new cv.Mat(4, 4, cv.CV_8UC1))
      cv.cvtColor(grey, grey, cv.COLOR_RGB2GRAY)
    })
  expect(() => withMats(cv, (keep) => keep(new cv.Mat(60_000, 60_000, cv.CV_8UC1)))).toThrow(
    /^OpenCV: Failed to allocate \d+ bytes$/,
  )
  expect(wrong).toThrow('OpenCV: Invalid number of channels in input image')
})
