import type { MemoryBudget } from '../../mapreduce/task/context.js'

/*
 * A semaphore over bytes for the threads of one process, in shared memory:
 *
 *   int32[0]   pages that are free
 *   int32[1]   1 while somebody waits for pages; others queue behind, so that small requests can't
 *              overtake a large one for ever
 */
const FREE = 0
const TURN = 1

/** What is counted: an int32 of 64 KiB pages reaches to 128 TiB. */
const PAGE_BYTES = 64 * 1024

const MAX_PAGES = 2 ** 31 - 1

/** A lost wake-up costs at most this. */
const RECHECK_MS = 1000

export function createSharedBudget(bytes: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)
  new Int32Array(shared)[FREE] = pagesOf(bytes)
  return shared
}

/**
 * @param shared from {@link createSharedBudget}
 * @param totalBytes the same as it was created with
 */
export function sharedMemoryBudget(shared: SharedArrayBuffer, totalBytes: number): MemoryBudget {
  const cells = new Int32Array(shared)
  const total = pagesOf(totalBytes)

  return {
    async acquire(bytes, signal) {
      const pages = Math.min(total, Math.max(1, Math.ceil(bytes / PAGE_BYTES)))
      await until(TURN, () => Atomics.compareExchange(cells, TURN, 0, 1) === 0, signal)
      try {
        await until(FREE, () => take(pages), signal)
      } finally {
        Atomics.store(cells, TURN, 0)
        Atomics.notify(cells, TURN, 1)
      }
      return () => {
        Atomics.add(cells, FREE, pages)
        Atomics.notify(cells, FREE)
      }
    },
  }

  function take(pages: number): boolean {
    for (;;) {
      const free = Atomics.load(cells, FREE)
      if (free < pages) return false
      if (Atomics.compareExchange(cells, FREE, free, free - pages) === free) return true
    }
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

function pagesOf(bytes: number): number {
  return Math.min(MAX_PAGES, Math.max(1, Math.floor(bytes / PAGE_BYTES)))
}

interface AsyncAtomics {
  waitAsync(
    cells: Int32Array,
    index: number,
    value: number,
    timeoutMs: number,
  ): { value: Promise<string> | string }
}

/** Resolves when the cell no longer holds `seen`, or after a while. */
async function waitForChange(cells: Int32Array, cell: number, seen: number): Promise<void> {
  await (Atomics as unknown as AsyncAtomics).waitAsync(cells, cell, seen, RECHECK_MS).value
}
