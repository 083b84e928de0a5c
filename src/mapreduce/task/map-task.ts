import { BadRecordsError, describeError, errorToJson } from '../../errors.js'
import { Counters, TASK_COUNTERS } from '../counters.js'
import type { InputRecord } from '../input/input-format.js'
import { openRecordReader } from '../input/record-reader.js'
import { emittedClasses, type Job, parseParams } from '../job.js'
import { checkLedger, emptyLedger } from '../ledger.js'
import { QuarantineWriter } from '../output/quarantine-writer.js'
import { RecordEncoder } from '../record-classes.js'
import { attemptOf, commitAttempt } from './attempt.js'
import type { TaskContext } from './context.js'
import { ATTEMPT_QUARANTINE } from './layout.js'
import { openMapSink } from './map-sink.js'
import { type Mapped, RecordMapper } from './record-mapper.js'
import { RunningRecords } from './running-records.js'
import type { BadRecord, MapTaskSpec, TaskReport } from './task.js'

/** Bytes that the reader of a task may hold ahead of its mapper. */
export const READ_AHEAD_BYTES = 16 * 1024 * 1024

/** Bad records that a report carries in words; all of them stand in the quarantine. */
const REPORTED_BAD_RECORDS = 5

/**
 * Pictures of a task that are mapped at once, so that one is read and another written while a third is
 * decoded. How many are decoded at once is bounded elsewhere: by the thread, and by their memory.
 */
const PICTURES_IN_FLIGHT = 4

/** Records between two looks at the signal and two words about the progress, where they are no pictures. */
const RECORDS_A_LOOK = 32

/**
 * Reads a split, maps its records while the next are read and the last are written, and commits what they
 * emitted, in the order of the input: a part of the output, or with reducers a sorted map output.
 */
export async function runMapTask(spec: MapTaskSpec, job: Job, context: TaskContext): Promise<TaskReport> {
  const attempt = attemptOf(spec)
  const { fs, folder } = attempt
  const params = parseParams(job, spec.job.params)
  const ledger = emptyLedger()
  const counters = new Counters()
  const badRecords: BadRecord[] = []
  let bytesIn = 0

  await fs.mkdir(folder)
  await using sink = await openMapSink(spec, job, params, {
    fs,
    folder,
    counters,
    signal: context.signal,
    progress: tell,
  })
  await using quarantine = new QuarantineWriter(
    fs,
    `${folder}/${ATTEMPT_QUARANTINE}`,
    spec.job.output,
    spec.taskId,
  )
  await using reader = await openRecordReader(spec.split, {
    jobId: spec.job.jobId,
    input: job.input,
    signal: context.signal,
    readAheadBytes: READ_AHEAD_BYTES,
  })
  const encoder = new RecordEncoder(emittedClasses(job))
  const running = new RunningRecords(spec, context)
  const mapper = new RecordMapper(
    { job, params, encoder, counters, limits: spec.job.limits, context, running, progress: tell },
    spec,
  )

  // Bands are large: while one is worked on the next one would only take memory.
  const isOneByOne = spec.isCareful || spec.split.kind === 'picture-bands'
  const mostInFlight = isOneByOne ? 1 : PICTURES_IN_FLIGHT
  const inFlight: { record: InputRecord; mapped: Mapped | Promise<Mapped> }[] = []
  const arePictures = job.input.kind === 'pictures'
  while (await reader.fill()) {
    for (let record = reader.next(); record; record = reader.next()) {
      const mapped = mapper.map(record)
      if (arePictures) {
        inFlight.push({ record, mapped })
        tell()
        if (inFlight.length >= mostInFlight) await settleFirst()
        continue
      }
      if (mapped instanceof Promise) tell()
      const settling = settle(record, mapped instanceof Promise ? await mapped : mapped)
      if (settling) await settling
    }
  }
  while (inFlight.length > 0) await settleFirst()

  const written = await sink.close()
  const quarantineReport = await quarantine.close()
  Object.assign(ledger, written.ledger)
  checkLedger(
    { ...ledger, reduced: ledger.shuffled!, ...written.balance },
    `task ${spec.taskId}`,
    spec.split.records,
  )
  counters.increment(TASK_COUNTERS, 'MAP_INPUT_RECORDS', ledger.read)
  counters.increment(TASK_COUNTERS, 'SPLIT_RAW_BYTES', spec.split.length)
  const report: TaskReport = {
    taskId: spec.taskId,
    epoch: spec.job.epoch,
    attempt: spec.attempt,
    ledger,
    bytesIn,
    ...(written.part ? { part: written.part } : {}),
    ...(quarantineReport ? { quarantine: quarantineReport } : {}),
    counters: counters.toJson(),
    badRecords,
  }
  await commitAttempt(attempt, report)
  return report

  /** Waits for the first record in flight and writes what it emitted. */
  async function settleFirst(): Promise<void> {
    const { record, mapped } = inFlight.shift()!
    await settle(record, await mapped)
    context.signal.throwIfAborted()
    tell()
  }

  /** @returns a promise where there is something to wait for */
  function settle(record: InputRecord, mapped: Mapped): Promise<void> | void {
    const failure = mapper.lateEmit ?? mapper.readFailure
    if (failure) throw failure
    ledger.read++
    bytesIn += record.valueBytes ?? record.value.length
    if (ledger.read % RECORDS_A_LOOK === 0 || running.areAllNoted) {
      context.signal.throwIfAborted()
      tell()
    }
    if ('error' in mapped) return setAside(record, mapped.stage, mapped.error)
    const { emits } = mapped
    ledger.emitted += emits.length
    if (emits.length > 0) ledger.mapped++
    else ledger.filtered++
    for (let at = 0; at < emits.length; at++) {
      const writing = sink.write(emits[at]!)
      if (writing) return writeRest(writing, emits, at + 1)
    }
  }

  async function writeRest(
    writing: Promise<void>,
    emits: readonly Parameters<typeof sink.write>[0][],
    next: number,
  ): Promise<void> {
    await writing
    for (const emit of emits.slice(next)) await sink.write(emit)
  }

  function tell(): void {
    context.onProgress({
      taskId: spec.taskId,
      attempt: spec.attempt,
      read: ledger.read,
      bytesIn,
      bad: ledger.quarantined + ledger.skipped,
      ...(badRecords[0] ? { firstBad: badRecords[0] } : {}),
      share: shareRead(),
      running: running.list(),
    })
  }

  function shareRead(): number {
    const { records, length } = spec.split
    const share = records === undefined ? bytesIn / length : ledger.read / records
    return Math.min(1, share) || 0
  }

  async function setAside(record: InputRecord, stage: BadRecord['stage'], error: Error): Promise<void> {
    const key = Buffer.from(record.key).toString('utf8')
    const bad: BadRecord = {
      key,
      reason: describeError(error),
      stage,
      task: spec.taskId,
      error: errorToJson(error),
    }
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
