import { UserCodeError } from '../../errors.js'
import type { Counters } from '../counters.js'
import type { Job } from '../job.js'
import type { Groups } from '../shuffle/groups.js'

export interface ReduceCall {
  params: Record<string, unknown>
  counters: Counters
  signal: AbortSignal
  partition: number
  emit(key: unknown, value: unknown): Promise<void> | void
  emitTo(output: string, key: unknown, value: unknown): Promise<void> | void
}

const DONE = Promise.resolve()

/**
 * Calls a reduce or combine function for the group at hand, and passes over what it did not read.
 * @throws what it throws, also where it did not wait for an emit that failed.
 */
export async function callReduce(
  reduce: NonNullable<Job['reduce']>,
  key: unknown,
  groups: Groups,
  decode: (value: Uint8Array) => unknown,
  call: ReduceCall,
): Promise<void> {
  const values = groups.values(decode)
  let failure: unknown
  let returned = false
  let pending: Promise<void> | undefined
  const emitting = (write: () => Promise<void> | void): Promise<void> => {
    try {
      if (returned) throw new UserCodeError('emit was called after reduce had returned; await it')
      const writing = write()
      if (!writing) return DONE
      // Records go out in the order of the calls, whether these are awaited or not.
      pending = pending ? Promise.all([pending, writing]).then(() => {}) : writing
      pending.catch(() => {})
      return writing
    } catch (error) {
      failure ??= error
      const rejected = Promise.reject(error)
      rejected.catch(() => {})
      return rejected
    }
  }
  try {
    await reduce(key, values, {
      params: call.params,
      emit: (emittedKey, value) => emitting(() => call.emit(emittedKey, value)),
      emitTo: (output, emittedKey, value) => emitting(() => call.emitTo(output, emittedKey, value)),
      counter: (group, name) => call.counters.counter(group, name),
      signal: call.signal,
      partition: call.partition,
      get currentKey() {
        return groups.key
      },
    })
    await pending
    if (failure) throw failure
  } finally {
    returned = true
  }
  await groups.skipRest(values)
}
