import type { GreyPixels } from '../grey.js'
import { thresholdLocally } from './local-threshold.js'

/**
 * T = m + k sqrt((sum of p^2 - m^2) / n), with p the n pixels of the window and m their mean; n is taken as that of a
 * whole window at the picture's edges too.
 * K. Khurshid, I. Siddiqi, C. Faure and N. Vincent, Comparison of Niblack inspired binarization methods for ancient
 * documents, SPIE 7247 (2009), section 3.
 */
export function binarizeNick(grey: GreyPixels, { window, k }: { window: number; k: number }): Uint8Array {
  return thresholdLocally(grey, window, { form: 'additive', k, share: 1 / window ** 2 })
}
