import type { MemoryBudget } from '../../mapreduce/task/context.js'
import { giveBack, takeFrom, waitForChange } from './shared-memory.js'

/*
 * A semaphore over bytes for the threads of one process, in shared memory:
 *
 *   int32[0]   pages that are free
 *   int32[1]   1 while somebody waits for pages; others queue behind, so that small requests can't
 *              overtake a large one for ever
 *   int32[2]   pages in all
 */
const FREE = 0
const TURN = 1
const TOTAL = 2
const CELLS = 3

/** What is counted: an int32 of 64 KiB pages reaches to 128 TiB. */
const PAGE_BYTES = 64 * 1024

const MAX_PAGES = 2 ** 31 - 1

/** A budget without a byte; {@link setSharedBudget} before the first task. */
export function createSharedBudget(): SharedArrayBuffer {
  return new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)
}

export function setSharedBudget(shared: SharedArrayBuffer, bytes: number): void {
  const cells = new Int32Array(shared)
  const pages = Math.min(MAX_PAGES, Math.max(1, Math.floor(bytes / PAGE_BYTES)))
  Atomics.store(cells, TOTAL, pages)
  Atomics.store(cells, FREE, pages)
  Atomics.notify(cells, FREE)
}

/** The budget as a thread uses it. */
export function sharedMemoryBudget(shared: SharedArrayBuffer): MemoryBudget {
  const cells = new Int32Array(shared)

  return {
    async acquire(bytes, signal) {
      const pages = Math.min(Atomics.load(cells, TOTAL), Math.max(1, Math.ceil(bytes / PAGE_BYTES)))
      await until(TURN, () => Atomics.compareExchange(cells, TURN, 0, 1) === 0, signal)
      try {
        await until(FREE, () => takeFrom(cells, FREE, pages), signal)
      } finally {
        Atomics.store(cells, TURN, 0)
        Atomics.notify(cells, TURN, 1)
      }
      return () => giveBack(cells, FREE, pages)
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
