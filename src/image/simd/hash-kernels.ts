import { defineKernel } from './assembler.js'
import { get, i8x16, i16x8, i32, i32x4, loop, set, v128 } from './instructions.js'

/** Hashes that {@link anyNear} compares with one at a time. */
export const HASHES_A_STEP = 4
/** Words of a hash that it takes at a time. */
export const WORDS_A_STEP = 2

/**
 * anyNear(one, oneEnd, other, otherEnd, stride, words, radius, to): whether any hash of [one, oneEnd) differs from any
 * of [other, otherEnd) in no more bits than the radius; if so, one of the four 32-bit numbers at `to` is not 0. A
 * hash is given as the address of its first 32-bit word; its next one lies `stride` bytes further. There are an even
 * number of words. Of the last four hashes of the second range some may lie behind its end.
 */
export const anyNear = defineKernel(
  ['one', 'oneEnd', 'other', 'otherEnd', 'stride', 'words', 'radius', 'to'],
  ({ one, oneEnd, other, otherEnd, stride, words, radius, to }, local) => {
    const at = local('i32')
    const word = local('i32')
    const oneWord = local('i32')
    const atWord = local('i32')
    const bits = local('v128')
    const limit = local('v128')
    const any = local('v128')
    const addBits = () => [
      ...set(
        bits,
        // Bytes that would be more than 255 stay so; no radius is as large.
        i8x16.addSatU(
          get(bits),
          i8x16.popcnt(v128.xor(v128.load32Splat(get(oneWord)), v128.load(get(atWord)))),
        ),
      ),
      ...set(oneWord, i32.add(get(oneWord), get(stride))),
      ...set(atWord, i32.add(get(atWord), get(stride))),
    ]
    return [
      ...set(limit, i32x4.splat(get(radius))),
      ...loop(one, get(one), get(oneEnd), 4, [
        loop(at, get(other), get(otherEnd), HASHES_A_STEP * 4, [
          set(bits, v128.const(new Array(16).fill(0))),
          set(oneWord, get(one)),
          set(atWord, get(at)),
          loop(word, i32.const(0), get(words), WORDS_A_STEP, [addBits(), addBits()]),
          set(
            any,
            v128.or(
              get(any),
              i32x4.leU(i32x4.extaddPairwiseI16x8U(i16x8.extaddPairwiseI8x16U(get(bits))), get(limit)),
            ),
          ),
        ]),
      ]),
      ...v128.store(get(to), get(any)),
    ]
  },
)
