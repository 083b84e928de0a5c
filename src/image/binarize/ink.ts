import type { GreyPixels } from '../grey.js'
import { otsuThreshold } from './otsu.js'

/** Whether what is written is darker or lighter than what it is written on. */
export type Ink = 'dark' | 'light'

/**
 * Tells the ink of a picture: of the two classes that Otsu's threshold makes, paper is the one with more pixels.
 * @param histogram how many pixels have each grey
 */
export function inkOf(histogram: ArrayLike<number>): Ink {
  const threshold = otsuThreshold(histogram)
  let excess = 0
  for (let grey = 0; grey < histogram.length; grey++) {
    excess += grey > threshold ? histogram[grey]! : -histogram[grey]!
  }
  return excess >= 0 ? 'dark' : 'light'
}

export function invert({ width, height, data }: GreyPixels): GreyPixels {
  const inverted = new Uint8Array(data.length)
  for (let at = 0; at < data.length; at++) inverted[at] = 255 - data[at]!
  return { width, height, data: inverted }
}
