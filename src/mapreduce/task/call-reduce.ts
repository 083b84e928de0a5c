import { UserCodeError } from '../../errors.js'
import { rejected, type Waiting } from '../../io/waiting.js'
import type { Counters } from '../counters.js'
import type { Job } from '../job.js'
import type { Groups } from '../shuffle/groups.js'

export interface ReduceCall {
  params: Record<string, unknown>
  counters: Counters
  signal: AbortSignal
  partition: number
  /** Serializes a record, at once; what it returns writes it, when the records before it are written. */
  emit(key: unknown, value: unknown): () => Waiting
  emitTo(output: string, key: unknown, value: unknown): () => Waiting
  progress(): void
  /** Is told of an emit that was called after its reduce had returned: nobody waits for that one any more. */
  lateEmit(error: Error): void
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
  const emitting = (serialize: () => () => Waiting): Promise<void> => {
    if (returned) {
      const late = new UserCodeError('emit was called after reduce had returned; await it')
      call.lateEmit(late)
      return rejected(late)
    }
    try {
      const write = serialize()
      // Records go out in the order of the calls, one at a time, whether these are awaited or not.
      const writing = pending ? pending.then(write) : write()
      if (!writing) return DONE
      const turn = writing.then(() => {
        if (pending === turn) pending = undefined
      })
      // It fails below, also where nobody waits for it here.
      turn.catch(() => {})
      pending = turn
      return turn
    } catch (error) {
      failure ??= error
      return rejected(error)
    }
  }
  try {
    await reduce(key, values, {
      params: call.params,
      emit: (emittedKey, value) => emitting(() => call.emit(emittedKey, value)),
      emitTo: (output, emittedKey, value) => emitting(() => call.emitTo(output, emittedKey, value)),
      counter: (group, name) => call.counters.counter(group, name),
      progress: () => {
        if (!returned) call.progress()
      },
      signal: call.signal,
      partition: call.partition,
      get currentKey() {
        return groups.key
      },
    })
  } finally {
    returned = true
    // Also where reduce threw: nothing may still be written while the attempt is cleaned up.
    await pending?.catch((error) => {
      failure ??= error
    })
  }
  if (failure) throw failure
  await groups.skipRest(values)
}
