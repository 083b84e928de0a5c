import { type Code, defineKernel } from './assembler.js'
import { get, i8x16, i16x8, i32, i32x4, loop, set, v128 } from './instructions.js'

/**
 * rgbToLuma(from, to, pixels): (19595 R + 38470 G + 7471 B + 32768) >> 16, which is 0.299 R + 0.587 G + 0.114 B
 * (ITU-R BT.601) rounded, in the whole numbers that Pillow takes; as 16-bit numbers, which is what
 * {@link weightedSums} reads. A weight has 15 bits here, so green comes in two halves.
 */
export const rgbToLuma = defineKernel(['from', 'to', 'pixels'], ({ from, to, pixels }, local) => {
  const index = local('i32')
  const address = local('i32')
  const four = local('v128')
  const weighted = (first: number) => [
    ...set(four, v128.load(get(address), first * 3)),
    ...i32x4.shrU(
      i32x4.add(
        i32x4.add(
          i32x4.dotI16x8S(
            i8x16.swizzle(get(four), v128.const(RED_AND_GREEN)),
            v128.const(shorts(19595, 19235)),
          ),
          i32x4.dotI16x8S(
            i8x16.swizzle(get(four), v128.const(GREEN_AND_BLUE)),
            v128.const(shorts(19235, 7471)),
          ),
        ),
        i32x4.splat(i32.const(1 << 15)),
      ),
      i32.const(16),
    ),
  ]
  return loop(index, i32.const(0), get(pixels), 8, [
    set(address, i32.add(get(from), i32.add(get(index), i32.shl(get(index), i32.const(1))))),
    v128.store(
      i32.add(get(to), i32.shl(get(index), i32.const(1))),
      i16x8.narrowI32x4S(weighted(0), weighted(4)),
    ),
  ])
})

/** No lane: gives zero. */
const NONE = 0x80

/** Of four pixels of three bytes, two of the three, each as a 16-bit lane. */
const RED_AND_GREEN = [0, 1, 2, 3].flatMap((pixel) => [pixel * 3, NONE, pixel * 3 + 1, NONE])
const GREEN_AND_BLUE = [0, 1, 2, 3].flatMap((pixel) => [pixel * 3 + 1, NONE, pixel * 3 + 2, NONE])

/** Two 16-bit lanes four times over. */
function shorts(even: number, odd: number): number[] {
  return [0, 1, 2, 3].flatMap(() => [even & 0xff, even >> 8, odd & 0xff, odd >> 8])
}

/** Samples that {@link weightedSums} takes in one step. */
export const SAMPLES_A_STEP = 8
/** Bits of a weight in its lower half; the upper half has the rest and the sign. */
export const LOWER_BITS = 15

/**
 * weightedSums(samples, outputs, weights, to, end): for each output, from `to` on as 32-bit numbers up to `end`, the
 * sum of samples times weights, modulo 2^32. Samples are 16-bit numbers. Of each output there are two 32-bit numbers
 * at `outputs`: where its samples begin, and how many bytes of them there are, in whole steps of 8 samples; and at
 * `weights` for each step 8 lower halves of weights and 8 upper ones, as 16-bit numbers.
 */
export const weightedSums = defineKernel(
  ['samples', 'outputs', 'weights', 'to', 'end'],
  ({ samples, outputs, weights, to, end }, local) => {
    const from = local('i32')
    const bytes = local('i32')
    const offset = local('i32')
    const eight = local('v128')
    const lower = local('v128')
    const upper = local('v128')
    const zeros = v128.const(new Array(16).fill(0))
    const advance = (address: typeof from, by: number) => set(address, i32.add(get(address), i32.const(by)))
    const addUp = (sum: typeof lower, at: number) =>
      set(sum, i32x4.add(get(sum), i32x4.dotI16x8S(get(eight), v128.load(get(weights), at))))
    return loop(to, get(to), get(end), 4, [
      set(from, i32.add(get(samples), i32.load(get(outputs)))),
      set(bytes, i32.load(get(outputs), 4)),
      set(lower, zeros),
      set(upper, zeros),
      loop(offset, i32.const(0), get(bytes), SAMPLES_A_STEP * 2, [
        set(eight, v128.load(i32.add(get(from), get(offset)))),
        addUp(lower, 0),
        addUp(upper, 16),
        advance(weights, 32),
      ]),
      advance(outputs, 8),
      set(lower, i32x4.add(get(lower), i32x4.shl(get(upper), i32.const(LOWER_BITS)))),
      set(lower, i32x4.add(get(lower), lanesMoved(get(lower), 8))),
      // The next output overwrites three lanes of these.
      v128.store(get(to), i32x4.add(get(lower), lanesMoved(get(lower), 4))),
    ])
  },
)

function lanesMoved(vector: Code, bytes: number): Code {
  return i8x16.shuffle(
    vector,
    vector,
    Array.from({ length: 16 }, (_, lane) => (lane + bytes) % 16),
  )
}
