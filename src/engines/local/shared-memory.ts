interface AsyncAtomics {
  waitAsync(
    cells: Int32Array,
    index: number,
    value: number,
    timeoutMs: number,
  ): { value: Promise<string> | string }
}

/** A lost wake-up costs at most this. */
const RECHECK_MS = 1000

/**
 * Threads have numbers that only grow; their cells are used again after this many. One that holds
 * something while this many others came and went would be confused with the last of them.
 */
const THREAD_CELLS = 4096

/** Int32 cells in shared memory: some that all threads share, then one for what each thread holds. */
export function sharedCells(common: number): SharedArrayBuffer {
  return new SharedArrayBuffer((common + THREAD_CELLS) * Int32Array.BYTES_PER_ELEMENT)
}

/** The cell of what a thread holds. */
export function cellOf(common: number, threadId: number): number {
  return common + (threadId % THREAD_CELLS)
}

/** Resolves when a shared cell no longer holds `seen`, or after a while; this thread goes on meanwhile. */
export async function waitForChange(cells: Int32Array, cell: number, seen: number): Promise<void> {
  await (Atomics as unknown as AsyncAtomics).waitAsync(cells, cell, seen, RECHECK_MS).value
}

/** Moves `count` from a shared cell to the one of the holder, if that much is in it. */
export function takeFrom(cells: Int32Array, cell: number, count: number, holder: number): boolean {
  for (;;) {
    const there = Atomics.load(cells, cell)
    if (there < count) return false
    if (Atomics.compareExchange(cells, cell, there, there - count) !== there) continue
    Atomics.add(cells, holder, count)
    return true
  }
}

/** Gives `count` back and wakes who waits. */
export function giveBack(cells: Int32Array, cell: number, count: number, holder: number): void {
  Atomics.sub(cells, holder, count)
  Atomics.add(cells, cell, count)
  Atomics.notify(cells, cell)
}

/** Gives back what a thread held that has ended. */
export function giveBackAll(cells: Int32Array, cell: number, holder: number): void {
  Atomics.add(cells, cell, Atomics.exchange(cells, holder, 0))
  Atomics.notify(cells, cell)
}
