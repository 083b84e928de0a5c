import type { GreyPixels } from '../grey.js'

/**
 * The local contrast (max - min) / (max + min) of the 3 x 3 pixels around each, from 0 to 255. B. Su, S. Lu and C. L.
 * Tan, Binarization of historical document images using the local maximum and minimum, DAS (2010), section 3.1.
 */
export function localContrast({ width, height, data }: GreyPixels): Uint8Array {
  const contrast = new Uint8Array(width * height)
  // The least and the greatest of three rows, with the outermost columns once more on either side.
  const least = new Uint8Array(width + 2)
  const greatest = new Uint8Array(width + 2)
  for (let y = 0; y < height; y++) {
    const row = y * width
    const above = Math.max(0, y - 1) * width
    const below = Math.min(height - 1, y + 1) * width
    for (let x = 0; x < width; x++) {
      const [a, b, c] = [data[above + x]!, data[row + x]!, data[below + x]!]
      least[x + 1] = Math.min(a, b, c)
      greatest[x + 1] = Math.max(a, b, c)
    }
    for (const line of [least, greatest]) {
      line[0] = line[1]!
      line[width + 1] = line[width]!
    }
    for (let x = 0; x < width; x++) {
      const min = Math.min(least[x]!, least[x + 1]!, least[x + 2]!)
      const max = Math.max(greatest[x]!, greatest[x + 1]!, greatest[x + 2]!)
      contrast[row + x] = 255 * ((max - min) / (max + min + NOT_ZERO))
    }
  }
  return contrast
}

/** The paper's "infinitely small number", for windows that are black. */
const NOT_ZERO = 0.0001
