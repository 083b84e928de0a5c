import { type Code, defineKernel } from './assembler.js'
import { f64x2, get, i8x16, i16x8, i32, i32x4, set, v128 } from './instructions.js'
import {
  bytesOfLane,
  slideAlong,
  type TwoWindows,
  upperHalf,
  WINDOW_PARAMETERS,
  ZEROS,
} from './sliding-window-kernels.js'

/**
 * proportionalRow and additiveRow(grey, to, darkest, coefficients, ...): 255 where a pixel is above its threshold,
 * else 0. With n the count of the window's pixels, S the sum of them and Q of their squares, the threshold T is
 *
 *     proportional  n T = mean S + k S sqrt(n Q - S^2) / n     scale: k |k| / n^2
 *     additive      n T = mean S + k sqrt(n Q - share S^2)     scale: k |k|
 *
 * with `coefficients` mean, share, 64-bit floats. It stands times n so that nothing is divided and a window of one
 * grey is exact; and n p > n T is compared by squares that keep their sign, since roots take longer than the rest.
 */
export const proportionalRow = thresholdKernel((squareOfSum, { count, scale, squares }) =>
  f64x2.mul(f64x2.mul(scale, squareOfSum), f64x2.sub(f64x2.mul(count, squares), squareOfSum)),
)

export const additiveRow = thresholdKernel((squareOfSum, { count, scale, squares }, share) =>
  f64x2.mul(scale, f64x2.sub(f64x2.mul(count, squares), f64x2.mul(share, squareOfSum))),
)

function thresholdKernel(squaredRoot: (squareOfSum: Code, windows: TwoWindows, share: Code) => Code) {
  return defineKernel(
    ['grey', 'to', 'darkest', 'coefficients', ...WINDOW_PARAMETERS],
    ({ grey, to, darkest, coefficients, ...window }, local) => {
      const lowest = local('v128')
      const mean = local('v128')
      const share = local('v128')
      const pixels = local('v128')
      const four = local('v128')
      const sum = local('v128')
      const squareOfSum = local('v128')
      const count = local('v128')
      const difference = local('v128')
      /** Of two columns, 64 bits of ones where the pixel is above its threshold. */
      const isAbove = (twoPixels: Code, windows: TwoWindows) => [
        ...set(sum, windows.sum),
        ...set(count, windows.count),
        ...set(squareOfSum, f64x2.mul(get(sum), get(sum))),
        ...set(
          difference,
          f64x2.sub(f64x2.mul(get(count), f64x2.convertLowI32x4S(twoPixels)), f64x2.mul(get(mean), get(sum))),
        ),
        ...f64x2.gt(
          f64x2.mul(get(difference), f64x2.abs(get(difference))),
          squaredRoot(get(squareOfSum), { ...windows, count: get(count) }, get(share)),
        ),
      ]
      return [
        ...set(lowest, i16x8.splat(get(darkest))),
        ...set(mean, v128.load64Splat(get(coefficients))),
        ...set(share, v128.load64Splat(get(coefficients), 8)),
        ...slideAlong(window, local, (x, windowsOfFour) => {
          /** Of four columns, 32 bits of ones each. */
          const areAbove = (first: 0 | 4, fourPixels: Code) =>
            windowsOfFour(first, (low, high) => [
              ...set(four, fourPixels),
              ...i8x16.shuffle(
                isAbove(get(four), low),
                isAbove(upperHalf(get(four)), high),
                [0, 8, 16, 24].flatMap(bytesOfLane),
              ),
            ])
          return [
            ...set(pixels, i16x8.sub(i16x8.load8x8U(i32.add(get(grey), get(x))), get(lowest))),
            ...v128.store(
              i32.add(get(to), get(x)),
              i8x16.narrowI16x8S(
                i16x8.narrowI32x4S(
                  areAbove(0, i32x4.extendLowI16x8S(get(pixels))),
                  areAbove(4, i32x4.extendHighI16x8S(get(pixels))),
                ),
                ZEROS,
              ),
            ),
          ]
        }),
      ]
    },
  )
}

/**
 * largestVariance(to, ...): raises the pair of 64-bit floats at `to` to the largest variance of this row's windows,
 * (n Q - S^2) / n^2, at even columns and at odd ones; the scale is 1 / n^2, and 0 behind the last column.
 */
export const largestVariance = defineKernel(['to', ...WINDOW_PARAMETERS], ({ to, ...window }, local) => {
  const sum = local('v128')
  const largest = local('v128')
  const raise = (windows: TwoWindows) => [
    ...set(sum, windows.sum),
    ...set(
      largest,
      f64x2.pmax(
        get(largest),
        f64x2.mul(
          f64x2.sub(f64x2.mul(windows.count, windows.squares), f64x2.mul(get(sum), get(sum))),
          windows.scale,
        ),
      ),
    ),
  ]
  return [
    ...set(largest, v128.load(get(to))),
    ...slideAlong(window, local, (_, windowsOfFour) => [
      ...windowsOfFour(0, (low, high) => [...raise(low), ...raise(high)]),
      ...windowsOfFour(4, (low, high) => [...raise(low), ...raise(high)]),
    ]),
    ...v128.store(get(to), get(largest)),
  ]
})
