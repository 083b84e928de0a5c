import type { GreyPixels } from '../grey.js'
import { loadOpenCv, type OpenCv, withMats } from '../opencv.js'

/**
 * OpenCV's adaptiveThreshold: T = m - c, with m the mean of the window, or the one weighted by a Gaussian of deviation
 * 0.15 window + 0.35, rounded to a whole grey. Edges are continued by the outermost pixels.
 */
export function adaptive(weights: 'mean' | 'gaussian') {
  return async (grey: GreyPixels, { window, c }: { window: number; c: number }) =>
    adaptiveThreshold(await loadOpenCv(), grey, weights, window, c)
}

function adaptiveThreshold(
  cv: OpenCv,
  { width, height, data }: GreyPixels,
  weights: 'mean' | 'gaussian',
  window: number,
  c: number,
): Uint8Array {
  const method = weights === 'mean' ? cv.ADAPTIVE_THRESH_MEAN_C : cv.ADAPTIVE_THRESH_GAUSSIAN_C
  const mask = new Uint8Array(width * height)
  const radius = window >> 1
  // In bands, because OpenCV's heap never shrinks.
  const bandRows = Math.max(1, Math.floor(BAND_PIXELS / width))
  for (let top = 0; top < height; top += bandRows) {
    const bottom = Math.min(height, top + bandRows)
    const readTop = Math.max(0, top - radius)
    const readBottom = Math.min(height, bottom + radius)
    withMats(cv, (keep) => {
      const grey = keep(new cv.Mat(readBottom - readTop, width, cv.CV_8UC1))
      const made = keep(new cv.Mat())
      grey.data.set(data.subarray(readTop * width, readBottom * width))
      cv.adaptiveThreshold(grey, made, 255, method, cv.THRESH_BINARY, window, c)
      mask.set(made.data.subarray((top - readTop) * width, (bottom - readTop) * width), top * width)
    })
  }
  return mask
}

const BAND_PIXELS = 2 ** 20
