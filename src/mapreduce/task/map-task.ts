import { BadRecordsError, describeError, KeyError, PictureError, UserCodeError } from '../../errors.js'
import { resolveUri } from '../../fs/resolve.js'
import { estimateDecodedBytes } from '../../image/header.js'
import { Picture, pictureError } from '../../image/picture.js'
import type { InputRecord } from '../input/input-format.js'
import { openRecordReader } from '../input/record-reader.js'
import { type Job, parseParams } from '../job.js'
import { checkLedger, emptyLedger } from '../ledger.js'
import { PartWriter } from '../output/part-writer.js'
import { QuarantineWriter } from '../output/quarantine-writer.js'
import { type Attempt, commitAttempt } from './attempt.js'
import type { TaskContext } from './context.js'
import { ATTEMPT_PART, ATTEMPT_QUARANTINE, attemptFolder } from './layout.js'
import type { BadRecord, MapTaskSpec, TaskReport } from './task.js'

/** Bytes that the reader of a task may hold ahead of its mapper. */
const READ_AHEAD_BYTES = 16 * 1024 * 1024

/** Longest key that may be emitted, in bytes of UTF-8. */
const MAX_KEY_BYTES = 64 * 1024

/** Largest value: a record's length is an int32, and holds the key and the value's own length too. */
const MAX_VALUE_BYTES = 2 ** 31 - 1 - MAX_KEY_BYTES - 16

/** Bad records that a report carries in words; all of them stand in the quarantine. */
const REPORTED_BAD_RECORDS = 5

/**
 * Records of a task that are mapped at once, so that one is read and another written while a third is
 * decoded. How many pictures are decoded at once is bounded elsewhere: by the thread, and by their memory.
 */
const RECORDS_IN_FLIGHT = 4

interface Emit {
  key: Uint8Array
  value: Uint8Array
}

type Mapped = { emits: Emit[] } | { error: Error; stage: BadRecord['stage'] }

/**
 * Map-only task: reads a split, maps its records a few at a time while the next are read and the last are
 * written, and commits a part with what they emitted, in the order of the input.
 */
export async function runMapTask(spec: MapTaskSpec, job: Job, context: TaskContext): Promise<TaskReport> {
  const { fs, path: jobFolder } = resolveUri(spec.job.jobFolder)
  const folder = attemptFolder(jobFolder, spec.taskId, spec.attempt)
  const attempt: Attempt = { fs, folder, jobFolder, taskId: spec.taskId, number: spec.attempt }
  const params = parseParams(job, spec.job.params)
  const ledger = emptyLedger()
  const badRecords: BadRecord[] = []
  let bytesIn = 0
  let lateEmit: Error | undefined

  await fs.mkdir(folder)
  await using part = new PartWriter(fs, `${folder}/${ATTEMPT_PART}`, spec.job.output)
  await using quarantine = new QuarantineWriter(
    fs,
    `${folder}/${ATTEMPT_QUARANTINE}`,
    spec.job.output,
    spec.taskId,
  )
  await using reader = await openRecordReader(spec.split, {
    signal: context.signal,
    readAheadBytes: READ_AHEAD_BYTES,
  })

  // Records being mapped, in the order of the input; the first to be read is the first to be written.
  const inFlight: { record: InputRecord; key: string; mapped: Promise<Mapped> }[] = []
  while (await reader.fill()) {
    for (let record = reader.next(); record; record = reader.next()) {
      context.signal.throwIfAborted()
      const key = Buffer.from(record.key.buffer, record.key.byteOffset, record.key.length).toString('utf8')
      inFlight.push({ record, key, mapped: mapRecord(record, key) })
      if (inFlight.length >= RECORDS_IN_FLIGHT) await settleFirst()
    }
  }
  while (inFlight.length > 0) await settleFirst()

  const partReport = await part.close()
  const quarantineReport = await quarantine.close()
  ledger.written = partReport?.records ?? 0
  checkLedger(ledger, `task ${spec.taskId}`, spec.split.records)
  const report: TaskReport = {
    taskId: spec.taskId,
    attempt: spec.attempt,
    ledger,
    bytesIn,
    ...(partReport ? { part: partReport } : {}),
    ...(quarantineReport ? { quarantine: quarantineReport } : {}),
    badRecords,
  }
  await commitAttempt(attempt, report)
  return report

  /** Waits for the first record in flight and writes what it emitted. */
  async function settleFirst(): Promise<void> {
    const { record, key, mapped } = inFlight.shift()!
    const outcome = await mapped
    if (lateEmit) throw lateEmit
    context.signal.throwIfAborted()
    ledger.read++
    bytesIn += record.value.length
    if ('error' in outcome) await setAside(record, key, outcome.stage, outcome.error)
    else {
      for (const emit of outcome.emits) await part.write(emit.key, emit.value)
      ledger.emitted += outcome.emits.length
      if (outcome.emits.length > 0) ledger.mapped++
      else ledger.filtered++
    }
    context.onProgress({
      taskId: spec.taskId,
      attempt: spec.attempt,
      read: ledger.read,
      bytesIn,
      bad: ledger.quarantined + ledger.skipped,
    })
  }

  /** Never rejects: a record that can't be mapped waits for its turn like the others. */
  async function mapRecord(record: InputRecord, key: string): Promise<Mapped> {
    if (record.problem) return { error: record.problem, stage: 'read' }
    const emits: Emit[] = []
    let returned = false
    const emit = async (emittedKey: string, value: Uint8Array): Promise<void> => {
      if (returned) {
        lateEmit = new UserCodeError(`Cannot map "${key}": emit was called after map had returned; await it`)
        throw lateEmit
      }
      emits.push(checkedEmit(emittedKey, value, key, record.key))
    }
    let release: (() => void) | undefined
    try {
      // Pictures of many pixels wait here until others are done with their memory.
      release = await context.memory.acquire(estimateDecodedBytes(record.value), context.signal)
      const picture = new Picture(key, record.value, spec.job.limits)
      await job.map(picture, { params, emit, signal: context.signal })
      return { emits }
    } catch (error) {
      return { error: mapError(key, error), stage: 'map' }
    } finally {
      returned = true
      release?.()
    }
  }

  async function setAside(
    record: InputRecord,
    key: string,
    stage: BadRecord['stage'],
    error: Error,
  ): Promise<void> {
    const bad: BadRecord = { key, reason: describeError(error), stage }
    if (badRecords.length < REPORTED_BAD_RECORDS) badRecords.push(bad)
    switch (spec.job.onError) {
      case 'fail':
        throw new BadRecordsError(`${bad.reason}; --on-error quarantine would set it aside and go on`, {
          cause: error,
          details: { key },
        })
      case 'skip':
        ledger.skipped++
        return
      case 'quarantine':
        ledger.quarantined++
        await quarantine.write(record, bad)
    }
  }
}

function checkedEmit(key: string, value: Uint8Array, inputKey: string, inputKeyBytes: Uint8Array): Emit {
  if (typeof key !== 'string') throw new UserCodeError(`emit takes a string for a key, not ${typeof key}`)
  if (!(value instanceof Uint8Array)) {
    throw new UserCodeError(`emit takes a Uint8Array or a Buffer for a value, not ${typeof value}`)
  }
  const bytes = key === inputKey ? inputKeyBytes : Buffer.from(key)
  if (bytes.length > MAX_KEY_BYTES) {
    throw new KeyError(
      `Cannot write the key "${key.slice(0, 40)}...": it has ${bytes.length} bytes, the limit is ${MAX_KEY_BYTES}`,
    )
  }
  if (value.length > MAX_VALUE_BYTES) {
    throw new KeyError(
      `Cannot write "${key}": its value has ${value.length} bytes, a record holds ${MAX_VALUE_BYTES}`,
    )
  }
  return { key: bytes, value }
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
