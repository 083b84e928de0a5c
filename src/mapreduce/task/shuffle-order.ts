import { writableFor } from '../../io/writables/index.js'
import type { Job } from '../job.js'
import { type KeyOrder, keyOrder } from '../shuffle/key-order.js'

/** The order in which a job's keys reach its reducers; of a job without a reducer that of its output. */
export function shuffleOrder(job: Job): KeyOrder {
  if (!job.reduce) return keyOrder(job.output.key.className)
  return keyOrder(job.shuffle.key.className, job.shuffle.sort)
}

/** Whether one call of reduce gets the values of both keys. */
export function isSameGroup(job: Job): (a: Uint8Array, b: Uint8Array) => boolean {
  const group = job.reduce ? job.shuffle.group : undefined
  if (!group) {
    const { compare } = shuffleOrder(job)
    return (a, b) => compare(a, b) === 0
  }
  const { decode } = writableFor(job.shuffle.key.className)
  return (a, b) => group(decode(a), decode(b)) === 0
}
