import { HASHES_A_STEP, WORDS_A_STEP } from '../../../image/simd/hash-kernels.js'
import { kernelMemory, kernels } from '../../../image/simd/kernels.js'
import { newLayout } from '../../../image/simd/layout.js'
import type { HashList } from './hash-list.js'

/** Whether any hash of one range is within the radius of any of another one; at times it says so and none is. */
export type AnyNear = (one: number, oneEnd: number, other: number, otherEnd: number) => boolean

/**
 * Lays hashes out in the kernels' memory, where they can be compared four at a time. What is returned is valid until
 * the next await.
 */
export function anyNearOf({ words, width, length }: HashList, radius: number): AnyNear {
  const evenWidth = Math.ceil(width / WORDS_A_STEP) * WORDS_A_STEP
  const stride = (length + HASHES_A_STEP) * 4
  const layout = newLayout()
  const hashesAt = layout.place(evenWidth * stride)
  const resultAt = layout.place(HASHES_A_STEP * 4)
  const memory = kernelMemory(layout.length)
  const hashes = new Int32Array(memory, hashesAt, (evenWidth * stride) / 4)
  hashes.fill(0)
  for (let word = 0; word < width; word++) {
    const to = (word * stride) / 4
    for (let index = 0; index < length; index++) hashes[to + index] = words[index * width + word]!
  }
  const result = new Int32Array(memory, resultAt, HASHES_A_STEP)
  const { anyNear } = kernels()
  const address = (index: number) => hashesAt + index * 4
  return (one, oneEnd, other, otherEnd) => {
    anyNear(
      address(one),
      address(oneEnd),
      address(other),
      address(otherEnd),
      stride,
      evenWidth,
      radius,
      resultAt,
    )
    return result.some((each) => each !== 0)
  }
}
