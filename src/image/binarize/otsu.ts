import type { Mat, OpenCv } from '../opencv.js'

/**
 * Turns a grey picture black and white, in place: above the threshold 255, else 0. The threshold is the one that
 * best separates two classes of grey, by the variance between them.
 *
 * N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 (1979), equation 18.
 * @param grey 8 bits, one channel.
 * @returns the threshold, 0 to 255.
 */
export function binarizeOtsu(cv: OpenCv, grey: Mat): number {
  return cv.threshold(grey, grey, 0, 255, cv.THRESH_BINARY | cv.THRESH_OTSU)
}
