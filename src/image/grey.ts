import type { Mat, OpenCv } from './opencv.js'
import { withMats } from './opencv.js'
import type { RgbPixels } from './rgb.js'

/**
 * RGB to grey, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), into `grey`, of the picture's rows and columns.
 * sharp could do it, at half the speed of its decoding. In bands, because OpenCV's heap never shrinks: it holds the
 * grey picture and one band, not the colours as well.
 */
export function greyFromRgb(cv: OpenCv, pixels: RgbPixels, grey: Mat): void {
  const { width, height, data } = pixels
  const bandRows = Math.max(1, Math.floor(BAND_PIXELS / width))
  for (let top = 0; top < height; top += bandRows) {
    const bottom = Math.min(height, top + bandRows)
    withMats(cv, (keep) => {
      const band = keep(new cv.Mat(bottom - top, width, cv.CV_8UC3))
      const target = keep(grey.rowRange(top, bottom))
      band.data.set(data.subarray(top * width * 3, bottom * width * 3))
      cv.cvtColor(band, target, cv.COLOR_RGB2GRAY)
    })
  }
}

const BAND_PIXELS = 2 ** 20
