import type { GreyPixels } from '../grey.js'
import { kernelMemory, kernels } from '../simd/kernels.js'
import { newLayout, roundUp } from '../simd/layout.js'
import { COLUMN_SUM_BYTES, COLUMNS_A_STEP, STORED_COUNT_BYTES } from '../simd/sliding-window-kernels.js'

/** A square window that moves over a picture from row to row; at the picture's edges it is what lies inside. */
export interface SlidingWindow {
  /** Moves it to the next row, at first to the first one. @returns the address of the row's pixels. */
  advance(): number
  /** What the kernels that go along a row take at the end. */
  readonly parameters: readonly number[]
  /** The kernels' memory, and the address in it of the bytes that were asked for, all zero. */
  readonly memory: ArrayBuffer
  readonly own: number
}

/**
 * Chungkwong Chan, Memory-efficient and fast implementation of local adaptive binarization methods (2019): the sums of
 * the columns in the window follow it down, that of the window goes along them, both in whole numbers. It takes
 * as long for any window, and needs memory for the window's rows only.
 * @param window the side, odd, in pixels
 * @param darkest the grey from which pixels are counted
 * @param scaleOf what goes with a window of so many pixels
 * @param ownBytes memory that the caller needs
 */
export function slideWindow(
  { width, height, data }: GreyPixels,
  window: number,
  darkest: number,
  scaleOf: (pixels: number) => number,
  ownBytes: number,
): SlidingWindow {
  // A window that reaches past the opposite edge has no more pixels than one that ends there.
  const across = Math.min(window >> 1, width)
  const down = Math.min(window >> 1, height)
  const rowsRead = Math.max(1, Math.floor(READ_PIXELS / width))
  const rowsKept = roundUp(2 * down + 1 + rowsRead, rowsRead)
  const columns = roundUp(width, COLUMNS_A_STEP)
  const before = COLUMNS_A_STEP + across
  const sumsBytes = (before + columns + across + COLUMNS_A_STEP) * COLUMN_SUM_BYTES

  const layout = newLayout()
  const own = layout.place(ownBytes)
  const noRow = layout.place(columns)
  const rows = layout.place(rowsKept * width)
  const sums = layout.place(sumsBytes)
  const squares = layout.place(sumsBytes)
  const counts = layout.place(columns * STORED_COUNT_BYTES)
  const innerCounts = layout.place(COLUMNS_A_STEP * STORED_COUNT_BYTES)
  const memory = kernelMemory(layout.length)
  const bytes = new Uint8Array(memory)
  bytes.fill(0, 0, layout.length)
  bytes.fill(darkest, noRow, noRow + columns)
  const stored = new Float64Array(memory)

  const rowAt = (row: number) => rows + (row % rowsKept) * width
  // From `left` to `right` whole steps of columns have windows that no edge cuts.
  const left = roundUp(across, COLUMNS_A_STEP)
  const right = Math.max(left, width - across - ((width - across) % COLUMNS_A_STEP))
  const windowColumns = (x: number) => Math.min(width - 1, x + across) - Math.max(0, x - across) + 1
  const storeCount = (address: number, column: number, pixels: number) => {
    const at = (address + (column >> 1) * 2 * STORED_COUNT_BYTES) / 8 + (column & 1)
    stored[at] = pixels
    stored[at + 2] = scaleOf(pixels)
  }
  const countPixels = (windowRows: number) => {
    for (let x = 0; x < Math.min(left, width); x++) storeCount(counts, x, windowRows * windowColumns(x))
    for (let x = right; x < width; x++) storeCount(counts, x, windowRows * windowColumns(x))
    for (let x = 0; x < COLUMNS_A_STEP; x++) storeCount(innerCounts, x, windowRows * (2 * across + 1))
  }

  let y = -down - 1
  let counted = 0
  const moveDown = () => {
    y++
    const entering = y + down
    const leaving = y - down - 1
    if (entering < height && entering % rowsRead === 0) {
      bytes.set(data.subarray(entering * width, (entering + rowsRead) * width), rowAt(entering))
    }
    kernels().moveColumns(
      entering < height ? rowAt(entering) : noRow,
      leaving >= 0 ? rowAt(leaving) : noRow,
      width,
      darkest,
      sums + before * COLUMN_SUM_BYTES,
      squares + before * COLUMN_SUM_BYTES,
    )
  }
  const windowBegin = (before - across - 1) * COLUMN_SUM_BYTES
  return {
    memory,
    own,
    parameters: [
      ...[width, across, sums + windowBegin, squares + windowBegin, (2 * across + 1) * COLUMN_SUM_BYTES],
      ...[counts, innerCounts, left, right],
    ],
    advance() {
      do moveDown()
      while (y < 0)
      const windowRows = Math.min(height - 1, y + down) - Math.max(0, y - down) + 1
      if (windowRows !== counted) countPixels(windowRows)
      counted = windowRows
      return rowAt(y)
    },
  }
}

/** Of rows that are copied at once. */
const READ_PIXELS = 2 ** 15
