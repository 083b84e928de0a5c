import type { GreyPixels } from '../grey.js'
import { thresholdLocally } from './local-threshold.js'

/**
 * T = m + k s, with m and s the mean and the standard deviation of the window.
 * W. Niblack, An Introduction to Digital Image Processing (1986), pages 115 and 116.
 *
 * Where a window has one grey only, the pixel is at its threshold and becomes black.
 */
export function binarizeNiblack(grey: GreyPixels, { window, k }: { window: number; k: number }): Uint8Array {
  return thresholdLocally(grey, window, { form: 'additive', k, share: 1 })
}
