import { CHUNK_PIXELS, kernelMemory, kernels } from '../simd/kernels.js'
import { newLayout } from '../simd/layout.js'

/**
 * Rows of pixels as rows of bits: 1 above the threshold, the leftmost pixel in a byte's highest bit, padded with 0.
 * @param pixels whole rows of `width` bytes
 */
export function packRows(pixels: Uint8Array, width: number, threshold = 127): Uint8Array {
  const rowBytes = Math.ceil(width / 8)
  const height = pixels.length / width
  const chunkRows = Math.max(1, Math.floor(CHUNK_PIXELS / width))
  const layout = newLayout()
  const from = layout.place(chunkRows * width)
  const to = layout.place(chunkRows * rowBytes)
  const memory = new Uint8Array(kernelMemory(layout.length))
  const { packBits } = kernels()
  const usedBits = 0xff << (rowBytes * 8 - width)
  const packed = new Uint8Array(height * rowBytes)
  for (let top = 0; top < height; top += chunkRows) {
    const rows = Math.min(chunkRows, height - top)
    memory.set(pixels.subarray(top * width, (top + rows) * width), from)
    for (let row = 0; row < rows; row++) {
      const end = to + (row + 1) * rowBytes
      packBits(from + row * width, end - rowBytes, width, threshold)
      memory[end - 1]! &= usedBits
    }
    packed.set(memory.subarray(to, to + rows * rowBytes), top * rowBytes)
  }
  return packed
}
