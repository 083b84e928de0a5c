import type { MemoryBudget } from '../../mapreduce/task/context.js'
import { cellOf, giveBack, giveBackAll, sharedCells, takeFrom, waitForChange } from './shared-memory.js'

/*
 * A semaphore over bytes for the threads of one process, in shared memory:
 *
 *   int32[0]   pages that are free
 *   int32[1]   the number of the thread that waits for pages, plus 1, or 0; others queue behind, so that
 *              small requests can't overtake a large one for ever
 *   int32[2]   pages in all
 *   int32[3+]  pages that each thread holds, so that those of one that dies come back
 */
const FREE = 0
const TURN = 1
const TOTAL = 2
const COMMON = 3

/** What is counted: an int32 of 64 KiB pages reaches to 128 TiB. */
const PAGE_BYTES = 64 * 1024

const MAX_PAGES = 2 ** 31 - 1

/** A budget without a byte; {@link setSharedBudget} before the first task. */
export function createSharedBudget(): SharedArrayBuffer {
  return sharedCells(COMMON)
}

export function setSharedBudget(shared: SharedArrayBuffer, bytes: number): void {
  const cells = new Int32Array(shared)
  const pages = Math.min(MAX_PAGES, Math.max(1, Math.floor(bytes / PAGE_BYTES)))
  Atomics.store(cells, TOTAL, pages)
  Atomics.store(cells, FREE, pages)
  Atomics.notify(cells, FREE)
}

/** Gives back what a thread held that has ended. */
export function releaseBudget(shared: SharedArrayBuffer, threadId: number): void {
  const cells = new Int32Array(shared)
  if (Atomics.compareExchange(cells, TURN, threadId + 1, 0) === threadId + 1) Atomics.notify(cells, TURN)
  giveBackAll(cells, FREE, cellOf(COMMON, threadId))
}

/** The budget as a thread uses it. */
export function sharedMemoryBudget(shared: SharedArrayBuffer, threadId: number): MemoryBudget {
  const cells = new Int32Array(shared)
  const held = cellOf(COMMON, threadId)

  return {
    async acquire(bytes, signal) {
      const pages = Math.min(Atomics.load(cells, TOTAL), Math.max(1, Math.ceil(bytes / PAGE_BYTES)))
      await until(TURN, () => Atomics.compareExchange(cells, TURN, 0, threadId + 1) === 0, signal)
      try {
        await until(FREE, () => takeFrom(cells, FREE, pages, held), signal)
      } finally {
        Atomics.store(cells, TURN, 0)
        Atomics.notify(cells, TURN, 1)
      }
      return () => giveBack(cells, FREE, pages, held)
    },
  }

  async function until(cell: number, tryIt: () => boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      const seen = Atomics.load(cells, cell)
      if (tryIt()) return
      signal.throwIfAborted()
      await waitForChange(cells, cell, seen)
    }
  }
}
