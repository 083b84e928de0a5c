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

/** Resolves when a shared cell no longer holds `seen`, or after a while; this thread goes on meanwhile. */
export async function waitForChange(cells: Int32Array, cell: number, seen: number): Promise<void> {
  await (Atomics as unknown as AsyncAtomics).waitAsync(cells, cell, seen, RECHECK_MS).value
}

/** Takes `count` off a shared cell if that much is in it. */
export function takeFrom(cells: Int32Array, cell: number, count: number): boolean {
  for (;;) {
    const there = Atomics.load(cells, cell)
    if (there < count) return false
    if (Atomics.compareExchange(cells, cell, there, there - count) === there) return true
  }
}

/** Gives `count` back and wakes who waits. */
export function giveBack(cells: Int32Array, cell: number, count: number): void {
  Atomics.add(cells, cell, count)
  Atomics.notify(cells, cell)
}
