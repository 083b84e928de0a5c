import { SLACK_BYTES } from './kernels.js'

/** Where things lie in the kernels' memory, one behind the other. */
export interface Layout {
  /** An address for so many bytes, and some that kernels may reach behind them; a multiple of 16. */
  place(bytes: number): number
  /** Of all that has been placed, in bytes. */
  readonly length: number
}

export function newLayout(): Layout {
  let length = 0
  return {
    place(bytes) {
      const address = length
      length = roundUp(address + bytes + SLACK_BYTES, ALIGNMENT)
      return address
    },
    get length() {
      return length
    },
  }
}

/** Of a vector, in bytes: those that lie across two lines of the cache are read more slowly. */
const ALIGNMENT = 16

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple
}
