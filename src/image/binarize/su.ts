import type { GreyPixels } from '../grey.js'
import { localContrast } from './contrast.js'
import { greyHistogram } from './histogram.js'
import { otsuThreshold } from './otsu.js'

/**
 * A pixel is black where the window around it has at least `minN` pixels of high contrast and it is not above
 * T = m + k s, with m and s the mean and the standard deviation of those. Pixels of high contrast are those whose
 * {@link localContrast} is above Otsu's threshold of it.
 *
 * B. Su, S. Lu and C. L. Tan, Binarization of historical document images using the local maximum and minimum, DAS
 * (2010), section 3. The paper has k = 1/2 and prints s as the root of half the sum of squares, which is not
 * a deviation: it grows with the window. Published figures (Doxa's) are those of k = 0.
 */
export function binarizeSu(
  grey: GreyPixels,
  { window, k, minN }: { window: number; k: number; minN: number },
): Uint8Array {
  const { width, height, data } = grey
  const contrast = localContrast(grey)
  const threshold = otsuThreshold(greyHistogram(contrast))
  const radius = window >> 1
  // Of the columns in the window, for pixels of high contrast: how many, their sum, the sum of their squares.
  const counts = new Int32Array(width)
  const sums = new Int32Array(width)
  const squares = new Int32Array(width)
  const addRow = (row: number, sign: 1 | -1) => {
    for (let x = 0, at = row * width; x < width; x++, at++) {
      if (contrast[at]! <= threshold) continue
      const pixel = data[at]!
      counts[x]! += sign
      sums[x]! += sign * pixel
      squares[x]! += sign * pixel * pixel
    }
  }

  const mask = new Uint8Array(width * height).fill(255)
  for (let row = 0; row < Math.min(radius, height); row++) addRow(row, 1)
  for (let y = 0; y < height; y++) {
    if (y + radius < height) addRow(y + radius, 1)
    if (y - radius > 0) addRow(y - radius - 1, -1)
    let count = 0
    let sum = 0
    let square = 0
    const addColumn = (x: number, sign: 1 | -1) => {
      count += sign * counts[x]!
      sum += sign * sums[x]!
      square += sign * squares[x]!
    }
    for (let x = 0; x < Math.min(radius, width); x++) addColumn(x, 1)
    for (let x = 0, at = y * width; x < width; x++, at++) {
      if (x + radius < width) addColumn(x + radius, 1)
      if (x - radius > 0) addColumn(x - radius - 1, -1)
      if (count === 0 || count < minN) continue
      const mean = sum / count
      const deviation = Math.sqrt(Math.max(0, square / count - mean * mean))
      if (data[at]! <= mean + k * deviation) mask[at] = 0
    }
  }
  return mask
}
