import { type Code, defineKernel } from './assembler.js'
import { get, i32, i32x4, loop, set, v128 } from './instructions.js'

/**
 * Pairs of neighbours are counted rather than pixels, in 65536 bins: half the steps, and neighbours are so alike that
 * few bins are in use. Two tables, because a bin that is counted up twice in a row waits for itself.
 */
export const PAIR_BINS = 65_536
const TABLE_BYTES = PAIR_BINS * 4
/** Of both tables. */
export const PAIR_TABLES_BYTES = 2 * TABLE_BYTES

/** countPairs(from, bytes): counts up in the tables, at address 0; `bytes` is a multiple of 8. */
export const countPairs = defineKernel(['from', 'bytes'], ({ from, bytes }, local) => {
  const index = local('i32')
  const four = local('i32')
  const bin = local('i32')
  const countUp = (pair: Code, table: number) => [
    ...set(bin, i32.and(pair, i32.const(0xffff << 2))),
    ...i32.store(get(bin), i32.add(i32.load(get(bin), table), i32.const(1)), table),
  ]
  const pairsOf = (offset: number) => [
    ...set(four, i32.load(i32.add(get(from), get(index)), offset)),
    ...countUp(i32.shl(get(four), i32.const(2)), 0),
    ...countUp(i32.shrU(get(four), i32.const(14)), TABLE_BYTES),
  ]
  return loop(index, i32.const(0), get(bytes), 8, [pairsOf(0), pairsOf(4)])
})

/**
 * foldPairs(byLow, byHigh): adds the bins of both tables up, at `byLow` to 256 counts of the pairs' low bytes, which are
 * the first of two pixels; at `byHigh` are those of their high bytes, each in four parts.
 */
export const foldPairs = defineKernel(['byLow', 'byHigh'], ({ byLow, byHigh }, local) => {
  const high = local('i32')
  const low = local('i32')
  const row = local('i32')
  const counts = local('v128')
  const sum = local('v128')
  const at = i32.add(get(byLow), get(low))
  const bin = i32.add(get(row), get(low))
  return loop(high, i32.const(0), i32.const(256), 1, [
    set(row, i32.shl(get(high), i32.const(10))),
    set(sum, v128.const(new Array(16).fill(0))),
    loop(low, i32.const(0), i32.const(1024), 16, [
      set(counts, i32x4.add(v128.load(bin), v128.load(bin, TABLE_BYTES))),
      set(sum, i32x4.add(get(sum), get(counts))),
      v128.store(at, i32x4.add(v128.load(at), get(counts))),
    ]),
    v128.store(i32.add(get(byHigh), i32.shl(get(high), i32.const(4))), get(sum)),
  ])
})
