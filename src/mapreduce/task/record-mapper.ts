import { describeError, KeyError, PictureError, UserCodeError } from '../../errors.js'
import { estimateDecodedBytes } from '../../image/header.js'
import type { ImageLimits } from '../../image/limits.js'
import { Picture, pictureError } from '../../image/picture.js'
import type { Counters } from '../counters.js'
import type { InputRecord } from '../input/input-format.js'
import type { Job } from '../job.js'
import type { RecordEncoder, SerializedRecord } from '../record-classes.js'
import type { TaskContext } from './context.js'
import type { BadRecord } from './task.js'

/** What `map` emitted: as the job said it, and as bytes. */
export interface Emit {
  key: unknown
  value: unknown
  record: SerializedRecord
}

export type Mapped = { emits: Emit[] } | { error: Error; stage: BadRecord['stage'] }

/** Calls a job's map function for one record after the other, or for several at once. */
export class RecordMapper {
  /** Set when a record's emit is called after its map has returned: nobody waits for that one any more. */
  lateEmit: Error | undefined

  constructor(
    private readonly job: Job,
    private readonly params: Record<string, unknown>,
    private readonly encoder: RecordEncoder,
    private readonly counters: Counters,
    private readonly limits: ImageLimits,
    private readonly context: TaskContext,
  ) {}

  /** Never rejects: a record that can't be mapped waits for its turn like the others. */
  map(record: InputRecord): Promise<Mapped> | Mapped {
    const { key } = record
    const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8')
    if (record.problem) return { error: record.problem, stage: 'read' }
    const call = new MapCall(this, text, key)
    if ('item' in record) return this.mapItem(record.item, text, call)
    return this.mapPicture(record, text, call)
  }

  encode(key: unknown, value: unknown, known: { text: string; utf8: Uint8Array }): Emit {
    return { key, value, record: this.encoder.encode(key, value, known) }
  }

  /** Without a promise where the job's map function has none. */
  private mapItem(item: unknown, text: string, call: MapCall): Promise<Mapped> | Mapped {
    try {
      const running = this.job.map(item, this.contextOf(call))
      if (running instanceof Promise) return this.settle(running, text, call)
      call.returned = true
      return call.outcome()
    } catch (error) {
      call.returned = true
      return { error: mapError(text, error), stage: 'map' }
    }
  }

  private async mapPicture(record: InputRecord, text: string, call: MapCall): Promise<Mapped> {
    let release: (() => void) | undefined
    try {
      // Pictures of many pixels wait here until others are done with their memory.
      release = await this.context.memory.acquire(estimateDecodedBytes(record.value), this.context.signal)
      const picture = new Picture(text, record.value, this.limits)
      return await this.settle(Promise.resolve(this.job.map(picture, this.contextOf(call))), text, call)
    } catch (error) {
      return { error: mapError(text, error), stage: 'map' }
    } finally {
      call.returned = true
      release?.()
    }
  }

  private async settle(running: Promise<void>, text: string, call: MapCall): Promise<Mapped> {
    try {
      await running
      return call.outcome()
    } catch (error) {
      return { error: mapError(text, error), stage: 'map' }
    } finally {
      call.returned = true
    }
  }

  private contextOf(call: MapCall) {
    return {
      params: this.params,
      emit: call.emit,
      counter: (group: string, name: string) => this.counters.counter(group, name),
      signal: this.context.signal,
    }
  }
}

const DONE = Promise.resolve()

/** One call of map. */
class MapCall {
  readonly emits: Emit[] = []
  returned = false
  private failure: Error | undefined
  private readonly known: { text: string; utf8: Uint8Array }

  constructor(
    private readonly mapper: RecordMapper,
    text: string,
    utf8: Uint8Array,
  ) {
    this.known = { text, utf8 }
  }

  readonly emit = (key: unknown, value: unknown): Promise<void> => {
    if (this.returned) {
      const { text } = this.known
      this.mapper.lateEmit = new UserCodeError(
        `Cannot map "${text}": emit was called after map had returned; await it`,
      )
      return rejected(this.mapper.lateEmit)
    }
    try {
      this.emits.push(this.mapper.encode(key, value, this.known))
      return DONE
    } catch (error) {
      this.failure ??= error as Error
      return rejected(error)
    }
  }

  /** Also a map that does not await its emits, or catches what they throw, has not mapped its record. */
  outcome(): Mapped {
    if (this.failure) throw this.failure
    return { emits: this.emits }
  }
}

/** For a caller who may not wait for it. */
function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  promise.catch(() => {})
  return promise
}

/** What sharp or the job threw, in our own words. */
function mapError(key: string, error: unknown): Error {
  if (error instanceof PictureError || error instanceof KeyError) return error
  if (error instanceof Error && isFromSharp(error)) return pictureError(key, error)
  return new UserCodeError(`Cannot map "${key}": ${describeError(error)}`, { cause: error })
}

/** sharp throws plain Errors; what a job's own mistakes throw are subclasses or come from elsewhere. */
function isFromSharp(error: Error): boolean {
  return error.constructor === Error && /[\\/]sharp[\\/]/.test(error.stack ?? '')
}
