import type { GreyPixels } from '../grey.js'

/**
 * The variance of the Laplacian (Pech-Pacheco and others, Diatom autofocusing in brightfield microscopy: a
 * comparative study, 2000): the higher, the sharper; of pictures of one size and of like things only. With the kernel
 * 0 1 0, 1 -4 1, 0 1 0 and borders mirrored at the outermost pixels, as OpenCV's `Laplacian(grey, CV_64F).var()`.
 */
export function laplacianVariance({ width, height, data }: GreyPixels): number {
  let sum = 0
  let squares = 0
  for (let y = 0; y < height; y++) {
    const row = y * width
    const above = mirrored(y - 1, height) * width
    const below = mirrored(y + 1, height) * width
    const add = (x: number, left: number, right: number) => {
      const value =
        data[above + x]! + data[below + x]! + data[row + left]! + data[row + right]! - 4 * data[row + x]!
      sum += value
      squares += value * value
    }
    add(0, mirrored(-1, width), mirrored(1, width))
    for (let x = 1; x < width - 1; x++) add(x, x - 1, x + 1)
    if (width > 1) add(width - 1, width - 2, mirrored(width, width))
  }
  const pixels = width * height
  return squares / pixels - (sum / pixels) ** 2
}

/** The index beyond an end is that as far within; the end itself is not repeated. */
function mirrored(at: number, length: number): number {
  if (length === 1) return 0
  if (at < 0) return -at
  return at < length ? at : 2 * (length - 1) - at
}
