import type { GreyPixels } from '../grey.js'
import { kernels } from '../simd/kernels.js'
import { slideWindow } from './sliding-window.js'

/** Thresholds that follow from the mean m and the standard deviation s of the window around each pixel. */
export type LocalThreshold =
  /** m + k sqrt(the mean of the squares - share m^2); with a share of 1, m + k s. */
  | { readonly form: 'additive'; readonly k: number; readonly share: number }
  /** darkest + (m - darkest) (base + k s) */
  | { readonly form: 'proportional'; readonly k: number; readonly base: number; readonly darkest: number }

/** Pixels above their threshold become 255, the others 0. */
export function thresholdLocally(grey: GreyPixels, window: number, threshold: LocalThreshold): Uint8Array {
  const { width, height } = grey
  const { form, k } = threshold
  const isAdditive = form === 'additive'
  const darkest = isAdditive ? 0 : threshold.darkest
  const coefficients = isAdditive ? [1, threshold.share] : [threshold.base, 1]
  const signedSquare = k * Math.abs(k)
  const scaleOf = isAdditive ? () => signedSquare : (pixels: number) => signedSquare / pixels ** 2
  const coefficientsBytes = coefficients.length * Float64Array.BYTES_PER_ELEMENT

  const sliding = slideWindow(grey, window, darkest, scaleOf, coefficientsBytes + width)
  const { memory, own, parameters } = sliding
  new Float64Array(memory, own, coefficients.length).set(coefficients)
  const to = own + coefficientsBytes
  const made = new Uint8Array(memory, to, width)
  const row = isAdditive ? kernels().additiveRow : kernels().proportionalRow
  const mask = Buffer.allocUnsafeSlow(width * height)
  for (let y = 0; y < height; y++) {
    row(sliding.advance(), to, darkest, own, ...parameters)
    mask.set(made, y * width)
  }
  return mask
}

/** The largest standard deviation of the windows around the pixels. */
export function largestDeviation(grey: GreyPixels, window: number): number {
  const sliding = slideWindow(
    grey,
    window,
    0,
    (pixels) => 1 / pixels ** 2,
    2 * Float64Array.BYTES_PER_ELEMENT,
  )
  const { memory, own, parameters } = sliding
  for (let y = 0; y < grey.height; y++) {
    sliding.advance()
    kernels().largestVariance(own, ...parameters)
  }
  return Math.sqrt(Math.max(...new Float64Array(memory, own, 2)))
}
