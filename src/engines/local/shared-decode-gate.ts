import type { DecodeGate } from '../../image/decode-gate.js'
import { giveBack, takeFrom, waitForChange } from './shared-memory.js'

/*
 * A gate for the decodes of all threads of a process, in shared memory:
 *
 *   int32[0]   decodes that may begin now
 *   int32[1]   threads that wait for one
 *
 * libvips works outside of the threads, so one thread can keep several decodes going: while the others
 * still boot, and at the end when it is the last with work.
 */
const FREE = 0
const WAITING = 1
const CELLS = 2

export function createSharedGate(decodes: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)
  Atomics.store(new Int32Array(shared), FREE, decodes)
  return shared
}

/** The gate as a thread passes it. */
export function sharedDecodeGate(shared: SharedArrayBuffer): DecodeGate {
  const cells = new Int32Array(shared)
  const queue: (() => void)[] = []
  let held = 0
  let isWaiting = false

  return {
    async run(work) {
      if (queue.length === 0 && takeFrom(cells, FREE, 1)) held++
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
      if (takeFrom(cells, FREE, 1)) {
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
      giveBack(cells, FREE, 1)
    }
  }
}
