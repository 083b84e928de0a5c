import { CHUNK_PIXELS, kernelMemory, kernels } from '../simd/kernels.js'
import { newLayout } from '../simd/layout.js'

/**
 * Pixels above the threshold become 255, the others 0.
 * @param mask what it is written to; may be the pixels themselves
 */
export function applyThreshold(
  pixels: Uint8Array,
  threshold: number,
  mask: Uint8Array = Buffer.allocUnsafeSlow(pixels.length),
): Uint8Array {
  const layout = newLayout()
  const from = layout.place(CHUNK_PIXELS)
  const to = layout.place(CHUNK_PIXELS)
  const memory = new Uint8Array(kernelMemory(layout.length))
  for (let start = 0; start < pixels.length; start += CHUNK_PIXELS) {
    const chunk = pixels.subarray(start, start + CHUNK_PIXELS)
    memory.set(chunk, from)
    kernels().threshold(from, to, chunk.length, threshold)
    mask.set(memory.subarray(to, to + chunk.length), start)
  }
  return mask
}
