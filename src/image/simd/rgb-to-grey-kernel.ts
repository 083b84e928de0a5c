import { defineKernel } from './assembler.js'
import { get, i8x16, i16x8, i32, i32x4, loop, set, v128 } from './instructions.js'

/**
 * rgbToGrey(from, to, pixels): grey = (9798 R + 19235 G + 3735 B + 16384) >> 15, which is 0.299 R + 0.587 G +
 * 0.114 B (ITU-R BT.601) rounded, in the whole numbers that OpenCV takes.
 */
export const rgbToGrey = defineKernel(['from', 'to', 'pixels'], ({ from, to, pixels }, local) => {
  const index = local('i32')
  const address = local('i32')
  const four = local('v128')
  const weighted = (first: number) => [
    ...set(four, v128.load(get(address), first * 3)),
    ...i32x4.shrU(
      i32x4.add(
        i32x4.dotI16x8S(i8x16.swizzle(get(four), v128.const(RED_AND_GREEN)), v128.const(shorts(9798, 19235))),
        i32x4.dotI16x8S(
          v128.or(i8x16.swizzle(get(four), v128.const(BLUE)), v128.const(shorts(0, 1))),
          v128.const(shorts(3735, 1 << 14)),
        ),
      ),
      i32.const(15),
    ),
  ]
  const eight = (first: number) => i16x8.narrowI32x4S(weighted(first), weighted(first + 4))
  return loop(index, i32.const(0), get(pixels), 16, [
    set(address, i32.add(get(from), i32.add(get(index), i32.shl(get(index), i32.const(1))))),
    v128.store(i32.add(get(to), get(index)), i8x16.narrowI16x8U(eight(0), eight(8))),
  ])
})

/** No lane: gives zero. */
const NONE = 0x80

/** Of four pixels of three bytes: red and green, each as a 16-bit lane; blue and a lane of zero. */
const RED_AND_GREEN = [0, 1, 2, 3].flatMap((pixel) => [pixel * 3, NONE, pixel * 3 + 1, NONE])
const BLUE = [0, 1, 2, 3].flatMap((pixel) => [pixel * 3 + 2, NONE, NONE, NONE])

/** Two 16-bit lanes four times over. */
function shorts(even: number, odd: number): number[] {
  return [0, 1, 2, 3].flatMap(() => [even & 0xff, even >> 8, odd & 0xff, odd >> 8])
}
