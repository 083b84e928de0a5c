import { type Code, type DeclareLocal, defineKernel, type Local } from './assembler.js'
import { f64x2, get, i8x16, i16x8, i32, i32x4, loop, select, set, v128 } from './instructions.js'

/** Of columns; `moveColumns` leaves so many zeros behind the last. */
export const COLUMNS_A_STEP = 8
/** Of one number for each column. */
export const COLUMN_SUM_BYTES = 4
/** Of a count and a scale for each column. */
export const STORED_COUNT_BYTES = 16

/**
 * moveColumns(entering, leaving, width, darkest, sums, squares): moves the window down by a row. `sums` and `squares`
 * hold, as 32-bit numbers, the sum of each column's pixels in the window and of their squares, where pixels count from
 * the grey `darkest`. entering^2 - leaving^2 is (entering - leaving)(entering + leaving). Behind the last column eight
 * zeros are left.
 */
export const moveColumns = defineKernel(
  ['entering', 'leaving', 'width', 'darkest', 'sums', 'squares'],
  ({ entering, leaving, width, darkest, sums, squares }, local) => {
    const x = local('i32')
    const at = local('i32')
    const zero = local('v128')
    const lowest = local('v128')
    const first = local('v128')
    const second = local('v128')
    const difference = local('v128')
    const total = local('v128')
    const pixelsOf = (row: Local) => i16x8.sub(i16x8.load8x8U(i32.add(get(row), get(x))), get(lowest))
    const addTo = (columns: Local, low: Code, high: Code) => [
      ...set(at, i32.add(get(columns), i32.shl(get(x), i32.const(2)))),
      ...v128.store(get(at), i32x4.add(v128.load(get(at)), low)),
      ...v128.store(get(at), i32x4.add(v128.load(get(at), 16), high), 16),
    ]
    const clearBehind = (columns: Local) => [
      ...set(at, i32.add(get(columns), i32.shl(get(width), i32.const(2)))),
      ...v128.store(get(at), get(zero)),
      ...v128.store(get(at), get(zero), 16),
    ]
    return [
      ...set(lowest, i16x8.splat(get(darkest))),
      ...loop(x, i32.const(0), get(width), 8, [
        set(first, pixelsOf(entering)),
        set(second, pixelsOf(leaving)),
        set(difference, i16x8.sub(get(first), get(second))),
        set(total, i16x8.add(get(first), get(second))),
        addTo(sums, i32x4.extendLowI16x8S(get(difference)), i32x4.extendHighI16x8S(get(difference))),
        addTo(
          squares,
          i32x4.extmulLowI16x8S(get(difference), get(total)),
          i32x4.extmulHighI16x8S(get(difference), get(total)),
        ),
      ]),
      ...clearBehind(sums),
      ...clearBehind(squares),
    ]
  },
)

export const WINDOW_PARAMETERS = [
  ...(['width', 'radius', 'sums', 'squares', 'span'] as const),
  ...(['counts', 'inner', 'left', 'right'] as const),
] as const

export type WindowParameters = Readonly<Record<(typeof WINDOW_PARAMETERS)[number], Local>>

/** Of the windows around two columns, as 64-bit floats. */
export interface TwoWindows {
  /** The sum of their pixels and that of the pixels' squares. */
  readonly sum: Code
  readonly squares: Code
  /** How many pixels they have, and what is stored beside that. */
  readonly count: Code
  readonly scale: Code
}

/**
 * Slides the window along a row, eight columns a step: adds what it gains, takes away what it loses.
 *
 *     sums, squares  those of the column `radius` + 1 before the first; there are zeros before the first column and
 *                    behind the last
 *     span           bytes from a window's begin to its end there, 4 (2 radius + 1)
 *     counts         for two columns each <count> <count> <scale> <scale>, 64-bit floats
 *     inner          the same for any eight columns from `left` to before `right`, multiples of 8, whose windows are
 *                    all alike
 *
 * @param step what to do with the eight columns from `x`: `four` makes code of the windows of four of them.
 */
export function slideAlong(
  parameters: WindowParameters,
  local: DeclareLocal,
  step: (x: Local, four: (first: 0 | 4, work: (low: TwoWindows, high: TwoWindows) => Code) => Code) => Code,
): Code {
  const { width, radius, sums, squares, span, counts, inner, left, right } = parameters
  const x = local('i32')
  const at = local('i32')
  const countsAt = local('i32')
  const gain = local('v128')
  const sum = local('v128')
  const square = local('v128')
  const windowSums = local('v128')
  const windowSquares = local('v128')

  // The sums begin as those of the window before the first column's: of the first `radius` columns, and zeros.
  const firstColumns = (columns: Local) =>
    i32.add(
      i32.sub(
        i32.add(get(columns), get(span)),
        i32.and(i32.add(i32.shl(get(radius), i32.const(2)), i32.const(15)), i32.const(-16)),
      ),
      i32.shl(get(x), i32.const(2)),
    )
  const start = [
    ...set(sum, ZEROS),
    ...set(square, ZEROS),
    ...loop(x, i32.const(0), get(radius), 4, [
      set(sum, i32x4.add(get(sum), v128.load(firstColumns(sums)))),
      set(gain, v128.load(firstColumns(squares))),
      set(square, f64x2.add(get(square), f64x2.convertLowI32x4S(get(gain)))),
      set(square, f64x2.add(get(square), f64x2.convertLowI32x4S(upperHalf(get(gain))))),
    ]),
    ...set(sum, i32x4.add(get(sum), lanes32(get(sum), 2, 3, 0, 1))),
    ...set(sum, i32x4.add(get(sum), lanes32(get(sum), 1, 0, 3, 2))),
    ...set(square, f64x2.add(get(square), lanes32(get(square), 2, 3, 0, 1))),
  ]

  /** What the windows of four columns have more than that of the column before them. */
  const gains = (columns: Local, first: number) => [
    ...set(at, i32.add(get(columns), i32.shl(get(x), i32.const(2)))),
    ...set(gain, i32x4.sub(v128.load(i32.add(get(at), get(span)), first * 4), v128.load(get(at), first * 4))),
    ...set(gain, i32x4.add(get(gain), lanesMovedUp(get(gain), 1))),
    ...set(gain, i32x4.add(get(gain), lanesMovedUp(get(gain), 2))),
  ]
  const stored = (column: number, value: number) => v128.load(get(countsAt), column * 16 + value * 16)

  const eight = step(x, (first, work) => [
    ...gains(sums, first),
    ...set(windowSums, i32x4.add(get(gain), get(sum))),
    ...set(sum, lanes32(get(windowSums), 3, 3, 3, 3)),
    // Four columns of any window that is allowed fit 32 bits.
    ...gains(squares, first),
    ...set(windowSquares, f64x2.add(f64x2.convertLowI32x4S(get(gain)), get(square))),
    ...set(square, f64x2.add(f64x2.convertLowI32x4S(upperHalf(get(gain))), get(square))),
    ...work(
      {
        sum: f64x2.convertLowI32x4U(get(windowSums)),
        squares: get(windowSquares),
        count: stored(first, 0),
        scale: stored(first, 1),
      },
      {
        sum: f64x2.convertLowI32x4U(upperHalf(get(windowSums))),
        squares: get(square),
        count: stored(first + 2, 0),
        scale: stored(first + 2, 1),
      },
    ),
    ...set(square, upperHalf(get(square))),
  ])
  const isInner = i32.ltU(i32.sub(get(x), get(left)), i32.sub(get(right), get(left)))
  return [
    ...start,
    ...loop(x, i32.const(0), get(width), 8, [
      set(countsAt, select(get(inner), i32.add(get(counts), i32.shl(get(x), i32.const(4))), isInner)),
      eight,
    ]),
  ]
}

export const ZEROS = v128.const(new Array(16).fill(0))

export function bytesOfLane(start: number): number[] {
  return [start, start + 1, start + 2, start + 3]
}

/** The four 32-bit lanes in another order, from the lowest. */
function lanes32(vector: Code, ...lanes: readonly [number, number, number, number]): Code {
  return i8x16.shuffle(
    vector,
    vector,
    lanes.flatMap((lane) => bytesOfLane(lane * 4)),
  )
}

/** The upper half in the place of the lower one. */
export function upperHalf(vector: Code): Code {
  return lanes32(vector, 2, 3, 2, 3)
}

/** 32-bit lanes moved to the next higher places, with zeros behind them. */
function lanesMovedUp(vector: Code, lanes: number): Code {
  const moved = Array.from({ length: 16 }, (_, byte) => (byte < lanes * 4 ? byte : 16 + byte - lanes * 4))
  return i8x16.shuffle(ZEROS, vector, moved)
}
