import type { GreyPixels } from '../grey.js'
import { greyHistogram } from './histogram.js'
import { type LocalThreshold, largestDeviation, thresholdLocally } from './local-threshold.js'

/**
 * T = (1 - k) m + k M + k s / R (m - M), with m and s the mean and the standard deviation of the window, M the darkest
 * grey of the picture and R the largest s of its windows: Sauvola's threshold, for greys that count from M.
 * C. Wolf and J.-M. Jolion, Extraction and recognition of artificial text in multimedia documents, Pattern Analysis
 * and Applications 6 (2003), equation 5.
 */
export function binarizeWolf(grey: GreyPixels, { window, k }: { window: number; k: number }): Uint8Array {
  const range = largestDeviation(grey, window)
  const darkest = greyHistogram(grey.data).findIndex((pixels) => pixels > 0)
  return thresholdLocally(grey, window, wolfThreshold(k, range, darkest))
}

/** The threshold, of a picture of which the largest deviation and the darkest grey are known. */
export function wolfThreshold(k: number, range: number, darkest: number): LocalThreshold {
  return { form: 'proportional', base: 1 - k, k: range > 0 ? k / range : 0, darkest }
}
