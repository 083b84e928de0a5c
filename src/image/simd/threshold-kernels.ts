import { type Code, defineKernel, type Local } from './assembler.js'
import { get, i8x16, i32, loop, v128 } from './instructions.js'

/** Lanes of ones where the 16 pixels from `from + index` are above the limit. */
function areAbove(from: Local, index: Local, limit: Local): Code {
  return i8x16.gtU(v128.load(i32.add(get(from), get(index))), i8x16.splat(get(limit)))
}

/** threshold(from, to, pixels, limit): 255 above the limit, else 0. */
export const threshold = defineKernel(
  ['from', 'to', 'pixels', 'limit'],
  ({ from, to, pixels, limit }, local) => {
    const index = local('i32')
    return loop(index, i32.const(0), get(pixels), 16, [
      v128.store(i32.add(get(to), get(index)), areAbove(from, index, limit)),
    ])
  },
)

/** packBits(from, to, pixels, limit): a bit for each pixel, 1 above the limit, the first in a byte's highest bit. */
export const packBits = defineKernel(
  ['from', 'to', 'pixels', 'limit'],
  ({ from, to, pixels, limit }, local) => {
    const index = local('i32')
    const above = areAbove(from, index, limit)
    return loop(index, i32.const(0), get(pixels), 16, [
      i32.store16(
        i32.add(get(to), i32.shrU(get(index), i32.const(3))),
        i8x16.bitmask(i8x16.shuffle(above, above, LAST_BIT_FIRST)),
      ),
    ])
  },
)

/** A bitmask begins with its lowest bit. */
const LAST_BIT_FIRST = [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8]

/** subtractBytes(from, other, to, bytes): from - other, byte by byte. */
export const subtractBytes = defineKernel(
  ['from', 'other', 'to', 'bytes'],
  ({ from, other, to, bytes }, local) => {
    const index = local('i32')
    const sixteen = (base: Local) => v128.load(i32.add(get(base), get(index)))
    return loop(index, i32.const(0), get(bytes), 16, [
      v128.store(i32.add(get(to), get(index)), i8x16.sub(sixteen(from), sixteen(other))),
    ])
  },
)
