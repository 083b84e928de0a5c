import type { GreyPixels } from '../grey.js'
import { thresholdLocally } from './local-threshold.js'

/**
 * T = m (1 + k (s / R - 1)), with m and s the mean and the standard deviation of the window, R the range of s.
 * J. Sauvola and M. Pietikäinen, Adaptive document image binarization, Pattern Recognition 33 (2000), equation 5.
 */
export function binarizeSauvola(
  grey: GreyPixels,
  { window, k, r }: { window: number; k: number; r: number },
): Uint8Array {
  return thresholdLocally(grey, window, { form: 'proportional', base: 1 - k, k: k / r, darkest: 0 })
}
