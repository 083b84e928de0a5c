import {
  describeError,
  FormatError,
  KeyError,
  NotFoundError,
  PermissionError,
  PictureError,
  UserCodeError,
} from '../../errors.js'
import { estimateDecodedBytes } from '../../image/header.js'
import type { ImageLimits } from '../../image/limits.js'
import { Picture, pictureError } from '../../image/picture.js'
import { asBuffer } from '../../io/bytes.js'
import { rejected } from '../../io/waiting.js'
import type { Counters } from '../counters.js'
import type { InputRecord } from '../input/input-format.js'
import type { Job, MapContext } from '../job.js'
import type { RecordEncoder, SerializedRecord } from '../record-classes.js'
import type { TaskContext } from './context.js'
import type { RunningRecords } from './running-records.js'
import type { BadRecord, MapTaskSpec, RecordsSpec } from './task.js'
import { recordTimeoutReason } from './time-limits.js'

/** What `map` emitted: as the job said it, and as bytes. */
export interface Emit {
  key: unknown
  value: unknown
  record: SerializedRecord
}

export type Mapped = { emits: Emit[] } | { error: Error; stage: BadRecord['stage'] }

export interface RecordMapperOptions {
  job: Job
  params: Record<string, unknown>
  encoder: RecordEncoder
  counters: Counters
  limits: ImageLimits
  context: TaskContext
  /** Is told which records are in map. */
  running: RunningRecords
  /** Called where a record says that it is alive. */
  progress(): void
}

/** Calls a job's map function for one record after the other, or for several at once. */
export class RecordMapper {
  /** The only keys that count, for a job that is to show how it reduces these. */
  readonly reduceOnly: ReadonlySet<string> | undefined
  /** Set when a record's emit is called after its map has returned: nobody waits for that one any more. */
  lateEmit: Error | undefined
  /** Set when a record could not be read for a reason that is not its own, such as a lost connection. */
  readFailure: Error | undefined
  private next = 0
  private oneCall: MapCall | undefined
  private mayShareCall: boolean
  private readonly skip: ReadonlyMap<number, string>

  private readonly context: TaskContext
  private readonly running: RunningRecords

  constructor(
    private readonly options: RecordMapperOptions,
    { skip = [], job }: RecordsSpec & Pick<MapTaskSpec, 'job'>,
  ) {
    this.reduceOnly = job.reduceOnly && new Set(job.reduceOnly)
    this.context = options.context
    this.running = options.running
    this.mayShareCall = this.context.recordTimeoutMs === undefined && !this.running.areAllNoted
    this.skip = new Map(skip.map(({ ordinal, reason }) => [ordinal, reason]))
  }

  /**
   * Takes the records of a split in their order. Never rejects: a record that can't be mapped waits for its
   * turn like the others.
   */
  map(record: InputRecord): Promise<Mapped> | Mapped {
    const ordinal = this.next++
    if (record.problem) return { error: record.problem, stage: 'read' }
    const reason = this.skip.get(ordinal)
    const call = this.callOf(ordinal, record)
    if (reason !== undefined) return { error: notMapped(call.text, reason), stage: 'map' }
    if (call.isItem) return this.mapItem(record.item, call)
    return this.mapPicture(record, call)
  }

  /**
   * While a map that returns at once is called nothing else runs, so one call can serve record after record.
   * From the first promise on each record has a call of its own.
   */
  private callOf(ordinal: number, record: InputRecord): MapCall {
    if (this.oneCall && 'item' in record) return this.oneCall.for(ordinal, record)
    const call = new MapCall(this, ordinal, record)
    if (this.mayShareCall && call.isItem) this.oneCall = call
    return call
  }

  encode(key: unknown, value: unknown, known?: { text: string; utf8: Uint8Array }): Emit {
    return { key, value, record: this.options.encoder.encode(key, value, known) }
  }

  /** Without a promise where the job's map function has none. */
  private mapItem(item: unknown, call: MapCall): Promise<Mapped> | Mapped {
    const { ordinal } = call
    if (this.running.areAllNoted) this.running.begin(ordinal, call)
    let isWaiting = false
    try {
      const running = this.options.job.map(item, this.contextOf(call))
      if (running instanceof Promise) {
        isWaiting = true
        this.oneCall = undefined
        this.mayShareCall = false
        if (!this.running.areAllNoted) this.running.begin(ordinal, call)
        return this.settle(running, call)
      }
      call.returned = true
      return call.outcome()
    } catch (error) {
      call.returned = true
      return { error: mapError(call.text, error), stage: 'map' }
    } finally {
      if (!isWaiting && this.running.areAllNoted) this.running.end(ordinal)
    }
  }

  private async mapPicture(record: InputRecord, call: MapCall): Promise<Mapped> {
    let release: (() => void) | undefined
    try {
      // Pictures of many pixels wait here until others are done with their memory.
      const { maxPixels } = this.options.limits
      const bytes = record.decodedBytes ?? estimateDecodedBytes(record.value, maxPixels)
      release = await this.context.memory.acquire(bytes, this.context.signal)
      this.running.begin(call.ordinal, call)
      return await this.settle(this.openAndMap(record, call), call)
    } catch (error) {
      return { error: mapError(call.text, error), stage: 'map' }
    } finally {
      call.returned = true
      this.running.end(call.ordinal)
      release?.()
    }
  }

  private async openAndMap(record: InputRecord, call: MapCall): Promise<void> {
    const { job, limits } = this.options
    const picture = record.open
      ? await this.opened(record.open(limits), call)
      : new Picture(call.text, record.value, limits)
    if (!call.isAbandoned) await job.map(picture, this.contextOf(call))
  }

  private async opened(opening: Promise<Picture>, call: MapCall): Promise<Picture> {
    try {
      return await opening
    } catch (error) {
      if (isOfTheRecord(error)) call.readError = error as Error
      else this.readFailure ??= error as Error
      throw error
    }
  }

  private async settle(running: Promise<void>, call: MapCall): Promise<Mapped> {
    try {
      await this.inTime(running, call)
      return call.outcome()
    } catch (error) {
      if (call.isAbandoned) return { error: error as Error, stage: 'map' }
      if (call.readError) return { error: call.readError, stage: 'read' }
      return { error: mapError(call.text, error), stage: 'map' }
    } finally {
      call.returned = true
      this.running.end(call.ordinal)
    }
  }

  /** Waits for a record, but no longer than it may take: what it still does then is of no account. */
  private async inTime(running: Promise<void>, call: MapCall): Promise<void> {
    const { recordTimeoutMs } = this.context
    if (recordTimeoutMs === undefined) return running
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = notMapped(call.text, recordTimeoutReason(recordTimeoutMs))
        call.isAbandoned = true
        reject(error)
        call.abort.abort(error)
      }, recordTimeoutMs)
    })
    try {
      await Promise.race([running, late])
    } finally {
      clearTimeout(timer)
    }
  }

  private contextOf(call: MapCall) {
    call.context ??= this.newContext(call)
    return call.context
  }

  private newContext(call: MapCall): MapContext<Record<string, unknown>, unknown, unknown> {
    return {
      params: this.options.params,
      emit: call.emit,
      counter: (group: string, name: string) => this.options.counters.counter(group, name),
      progress: () => {
        // One that was given up, or lives on behind its map, keeps no attempt alive.
        if (!call.returned && !call.isAbandoned) this.options.progress()
      },
      signal:
        this.context.recordTimeoutMs === undefined
          ? this.context.signal
          : AbortSignal.any([this.context.signal, call.abort.signal]),
    }
  }
}

const DONE = Promise.resolve()

/** One call of map. */
class MapCall {
  emits: Emit[] = []
  returned = false
  context: MapContext<Record<string, unknown>, unknown, unknown> | undefined
  /** It took too long, and its record is set aside already. */
  isAbandoned = false
  /** Why its picture could not be had. */
  readError: Error | undefined
  private failure: Error | undefined
  /** Whether `map` gets something else than a picture: what that is called is no key to be emitted again. */
  readonly isItem: boolean
  private decodedText: string | undefined
  private controller: AbortController | undefined

  constructor(
    private readonly mapper: RecordMapper,
    /** The record's number in the split. */
    public ordinal: number,
    private record: InputRecord,
  ) {
    this.isItem = 'item' in record
  }

  /** The same call for the next record; the one before has returned. */
  for(ordinal: number, record: InputRecord): this {
    this.ordinal = ordinal
    this.record = record
    this.decodedText = undefined
    this.failure = undefined
    this.emits = []
    this.returned = false
    return this
  }

  /** What the record is called; made when it is asked for, which of a line of text it hardly ever is. */
  get text(): string {
    this.decodedText ??= asBuffer(this.utf8).toString('utf8')
    return this.decodedText
  }

  get utf8(): Uint8Array {
    return this.record.key
  }

  /** Fires when the record has taken too long; made where there is a limit only. */
  get abort(): AbortController {
    this.controller ??= new AbortController()
    return this.controller
  }

  readonly emit = (key: unknown, value: unknown): Promise<void> => {
    if (this.isAbandoned) return rejected(notMapped(this.text, 'it took too long and was set aside'))
    if (this.returned) {
      this.mapper.lateEmit = new UserCodeError(
        `Cannot map "${this.text}": emit was called after map had returned; await it`,
      )
      return rejected(this.mapper.lateEmit)
    }
    if (this.mapper.reduceOnly && !this.mapper.reduceOnly.has(String(key))) return DONE
    try {
      this.emits.push(this.mapper.encode(key, value, this.isItem ? undefined : this))
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

function notMapped(key: string, reason: string): Error {
  return new UserCodeError(`Cannot map "${key}": ${reason}`)
}

/** Of what reading a record threw: whether another attempt would meet it again. */
function isOfTheRecord(error: unknown): boolean {
  return [PictureError, FormatError, NotFoundError, PermissionError].some((Class) => error instanceof Class)
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
