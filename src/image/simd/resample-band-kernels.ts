import { type Code, defineKernel, type Local } from './assembler.js'
import { get, i8x16, i16x8, i32, i32x4, loop, set, v128 } from './instructions.js'
import { LOWER_BITS } from './resample-kernels.js'

/*
 * Resampling of 8-bit samples with the weights of resample/axis-weights.ts, in halves as in resample-kernels.ts. A sum
 * is rounded as there: half of what its last bit weighs is added, and what is behind the point is dropped.
 */
const WEIGHT_BITS = 22

function rounded(lower: Local, upper: Local): Code {
  const sum = i32x4.add(get(lower), i32x4.shl(get(upper), i32.const(LOWER_BITS)))
  return i32x4.shrS(i32x4.add(sum, i32x4.splat(i32.const(1 << (WEIGHT_BITS - 1)))), i32.const(WEIGHT_BITS))
}

function advance(address: Local, by: Code): Code {
  return set(address, i32.add(get(address), by))
}

/** Pixels that {@link resampleRgbRow} takes in one step. */
export const PIXELS_A_STEP = 4

/**
 * resampleRgbRow(from, outputs, weights, to, end): pixels of three bytes from `to` up to `end`. For each there are at
 * `outputs` two 32-bit numbers, where its pixels begin, in bytes, and how many steps of 4 pixels there are; and at
 * `weights` for each step 4 lower halves of weights and 4 upper ones, as 16-bit numbers.
 */
export const resampleRgbRow = defineKernel(
  ['from', 'outputs', 'weights', 'to', 'end'],
  ({ from, outputs, weights, to, end }, local) => {
    const address = local('i32')
    const step = local('i32')
    const steps = local('i32')
    const four = local('v128')
    const weight = local('v128')
    const [redGreen, blue] = [local('v128'), local('v128')]
    const lower = [local('v128'), local('v128')] as const
    const upper = [local('v128'), local('v128')] as const
    const zeros = v128.const(new Array(16).fill(0))
    const addUp = (sums: readonly [Local, Local]) => [
      ...set(sums[0], i32x4.add(get(sums[0]), i32x4.dotI16x8S(get(redGreen), get(weight)))),
      ...set(sums[1], i32x4.add(get(sums[1]), i32x4.dotI16x8S(get(blue), get(weight)))),
    ]
    // Of red and green, or of blue and nothing, the sums of pixels 0 and 1 and those of 2 and 3 lie side by side.
    const halves = (sums: readonly [Local, Local], offset: number) =>
      i8x16.shuffle(
        get(sums[0]),
        get(sums[1]),
        [0, 8, 16, 24].flatMap((lane) => [0, 1, 2, 3].map((byte) => lane + offset + byte)),
      )
    const whole = (sums: readonly [Local, Local]) => i32x4.add(halves(sums, 0), halves(sums, 4))
    return loop(to, get(to), get(end), 3, [
      set(address, i32.add(get(from), i32.load(get(outputs)))),
      set(steps, i32.load(get(outputs), 4)),
      ...[...lower, ...upper].map((sum) => set(sum, zeros)),
      loop(step, i32.const(0), get(steps), 1, [
        set(four, v128.load(get(address))),
        set(redGreen, i8x16.swizzle(get(four), v128.const(RED_AND_GREEN))),
        set(blue, i8x16.swizzle(get(four), v128.const(BLUE))),
        set(weight, v128.load64Splat(get(weights))),
        addUp(lower),
        set(weight, v128.load64Splat(get(weights), 8)),
        addUp(upper),
        advance(address, i32.const(3 * PIXELS_A_STEP)),
        advance(weights, i32.const(4 * PIXELS_A_STEP)),
      ]),
      advance(outputs, i32.const(8)),
      set(four, whole(lower)),
      set(weight, whole(upper)),
      set(four, rounded(four, weight)),
      set(four, i16x8.narrowI32x4S(get(four), get(four))),
      // The next pixels overwrite all but three bytes of these.
      v128.store(get(to), i8x16.narrowI16x8U(get(four), get(four))),
    ])
  },
)

/** No lane: gives zero. */
const NONE = 0x80
/** Of four pixels of three bytes: the reds, then the greens, each as a 16-bit lane; the blues, then nothing. */
const RED_AND_GREEN = [0, 3, 6, 9, 1, 4, 7, 10].flatMap((byte) => [byte, NONE])
const BLUE = [2, 5, 8, 11, NONE, NONE, NONE, NONE].flatMap((byte) => [byte, NONE])

/**
 * resampleColumnStep(from, stride, weights, weightsEnd, to, bytes): a row of bytes, each the weighted sum of those
 * below one another in rows that begin `stride` bytes apart. For each two rows there are at `weights` two lower halves
 * and two upper ones, as 16-bit numbers.
 */
export const resampleColumnStep = defineKernel(
  ['from', 'stride', 'weights', 'weightsEnd', 'to', 'bytes'],
  ({ from, stride, weights, weightsEnd, to, bytes }, local) => {
    const index = local('i32')
    const address = local('i32')
    const at = local('i32')
    const [first, second] = [local('v128'), local('v128')]
    const pairs = local('v128')
    const [lowerWeights, upperWeights] = [local('v128'), local('v128')]
    const lower = [0, 1, 2, 3].map(() => local('v128'))
    const upper = [0, 1, 2, 3].map(() => local('v128'))
    const zeros = v128.const(new Array(16).fill(0))
    const addUp = (quarter: number, four: Code) => [
      ...set(pairs, four),
      ...set(
        lower[quarter]!,
        i32x4.add(get(lower[quarter]!), i32x4.dotI16x8S(get(pairs), get(lowerWeights))),
      ),
      ...set(
        upper[quarter]!,
        i32x4.add(get(upper[quarter]!), i32x4.dotI16x8S(get(pairs), get(upperWeights))),
      ),
    ]
    const sideBySide = (start: number) =>
      i8x16.shuffle(
        get(first),
        get(second),
        Array.from({ length: 16 }, (_, lane) => start + (lane >> 1) + (lane % 2 === 0 ? 0 : 16)),
      )
    const eight = (quarter: number) =>
      i16x8.narrowI32x4S(
        rounded(lower[quarter]!, upper[quarter]!),
        rounded(lower[quarter + 1]!, upper[quarter + 1]!),
      )
    return loop(index, i32.const(0), get(bytes), 16, [
      set(address, i32.add(get(from), get(index))),
      ...[...lower, ...upper].map((sum) => set(sum, zeros)),
      loop(at, get(weights), get(weightsEnd), 8, [
        set(first, v128.load(get(address))),
        set(second, v128.load(i32.add(get(address), get(stride)))),
        set(lowerWeights, v128.load32Splat(get(at))),
        set(upperWeights, v128.load32Splat(get(at), 4)),
        addUp(0, i16x8.extendLowI8x16U(sideBySide(0))),
        addUp(1, i16x8.extendHighI8x16U(sideBySide(0))),
        addUp(2, i16x8.extendLowI8x16U(sideBySide(8))),
        addUp(3, i16x8.extendHighI8x16U(sideBySide(8))),
        advance(address, i32.shl(get(stride), i32.const(1))),
      ]),
      v128.store(i32.add(get(to), get(index)), i8x16.narrowI16x8U(eight(0), eight(2))),
    ])
  },
)
