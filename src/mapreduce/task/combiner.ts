import { describeError, UserCodeError } from '../../errors.js'
import { writableFor } from '../../io/writables/index.js'
import type { Counters } from '../counters.js'
import { emittedClasses, type Job } from '../job.js'
import { RecordEncoder, wholeValue } from '../record-classes.js'
import type { Groups } from '../shuffle/groups.js'
import type { Combiner } from '../shuffle/map-output.js'
import { callReduce } from './call-reduce.js'

/** A job's combine function over serialized records. */
export function combinerOf(
  job: Job,
  params: Record<string, unknown>,
  context: { counters: Counters; signal: AbortSignal; progress(): void },
): Combiner {
  const { keyClass, valueClass } = emittedClasses(job)
  const encoder = new RecordEncoder({ keyClass, valueClass })
  const decodeKey = writableFor(keyClass).decode
  const decodeValue = writableFor(valueClass).decode
  let late: Error | undefined
  return async (key: Uint8Array, groups: Groups, emit) => {
    const decoded = decodeKey(key)
    try {
      await callReduce(job.combine!, decoded, groups, decodeValue, {
        params,
        counters: context.counters,
        signal: context.signal,
        partition: 0,
        emit(emittedKey, value) {
          const record = encoder.encode(emittedKey, value)
          return () => emit(record.key, wholeValue(record.value))
        },
        progress: context.progress,
        lateEmit(error) {
          late ??= new UserCodeError(`Cannot combine ${shownKey(decoded)}: ${describeError(error)}`)
        },
        emitTo() {
          throw new UserCodeError('A combiner can emit to the reducers only')
        },
      })
      if (late) throw late
    } catch (error) {
      if (error === late) throw error
      throw new UserCodeError(`Cannot combine ${shownKey(decoded)}: ${describeError(error)}`, {
        cause: error,
      })
    }
  }
}

export function shownKey(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : String(key)
}
