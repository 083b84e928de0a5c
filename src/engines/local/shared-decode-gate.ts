import type { DecodeGate } from '../../image/decode-gate.js'
import { cellOf, giveBack, giveBackAll, sharedCells, takeFrom, waitForChange } from './shared-memory.js'

/*
 * A gate for the decodes of all threads of a process, in shared memory:
 *
 *   int32[0]   decodes that may begin now
 *   int32[1]   threads that wait for one; a hint only, for one that dies stays counted
 *   int32[2+]  decodes of each thread, so that those of one that dies may begin elsewhere
 *
 * libvips works outside of the threads, so one thread can keep several decodes going: while the others
 * still boot, and at the end when it is the last with work.
 */
const FREE = 0
const WAITING = 1
const COMMON = 2

export function createSharedGate(decodes: number): SharedArrayBuffer {
  const shared = sharedCells(COMMON)
  Atomics.store(new Int32Array(shared), FREE, decodes)
  return shared
}

/** Gives back what a thread held that has ended. */
export function releaseGate(shared: SharedArrayBuffer, threadId: number): void {
  giveBackAll(new Int32Array(shared), FREE, cellOf(COMMON, threadId))
}

/** The gate as a thread passes it. */
export function sharedDecodeGate(shared: SharedArrayBuffer, threadId: number): DecodeGate {
  const cells = new Int32Array(shared)
  const own = cellOf(COMMON, threadId)
  const queue: (() => void)[] = []
  let held = 0
  let isWaiting = false

  return {
    async run(work) {
      if (queue.length === 0 && takeFrom(cells, FREE, 1, own)) held++
      else await turn()
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }

  function turn(): Promise<void> {
    return new Promise((resolve) => {
      queue.push(resolve)
      if (!isWaiting) void wait()
    })
  }

  async function wait(): Promise<void> {
    isWaiting = true
    Atomics.add(cells, WAITING, 1)
    while (queue.length > 0) {
      const seen = Atomics.load(cells, FREE)
      if (takeFrom(cells, FREE, 1, own)) {
        held++
        queue.shift()!()
      } else await waitForChange(cells, FREE, seen)
    }
    Atomics.sub(cells, WAITING, 1)
    isWaiting = false
  }

  /** Passes the turn on within the thread, which costs nothing, unless others wait and this one holds more. */
  function leave(): void {
    const othersWait = Atomics.load(cells, WAITING) > (isWaiting ? 1 : 0)
    if (queue.length > 0 && !(othersWait && held > 1)) queue.shift()!()
    else {
      held--
      giveBack(cells, FREE, 1, own)
    }
  }
}
