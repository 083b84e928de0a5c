import { describeError, UserCodeError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { Text, writableFor } from '../../io/writables/index.js'
import { Counters, TASK_COUNTERS } from '../counters.js'
import { emittedClasses, type Job, parseParams } from '../job.js'
import { checkLedger, emptyLedger } from '../ledger.js'
import { PartWriter } from '../output/part-writer.js'
import { classesOf, RecordEncoder } from '../record-classes.js'
import { Groups } from '../shuffle/groups.js'
import { mergeSegments, type SegmentFile } from '../shuffle/merge-segments.js'
import { readSegments } from '../shuffle/spill-file.js'
import { attemptOf, commitAttempt } from './attempt.js'
import { callReduce } from './call-reduce.js'
import { shownKey } from './combiner.js'
import type { TaskContext } from './context.js'
import { NAMES_OUTPUT, splitName } from './hashed-key.js'
import { ATTEMPT_PART, committedFolder, MAP_OUTPUT_FILE } from './layout.js'
import { isSameGroup, shuffleOrder } from './shuffle-order.js'
import type { PartReport, ReduceTaskSpec, RunningRecord, TaskReport } from './task.js'

/** Records between two looks at the signal and two words about the progress. */
const RECORDS_A_LOOK = 1000

/**
 * Merges the partition's segments of all map outputs and calls the job's reducer for each key; a job that
 * has none gets its records sorted and as they are.
 */
export async function runReduceTask(
  spec: ReduceTaskSpec,
  job: Job,
  context: TaskContext,
): Promise<TaskReport> {
  const attempt = attemptOf(spec)
  const { fs, folder, jobFolder } = attempt
  const params = parseParams(job, spec.job.params)
  const counters = new Counters()
  const { signal } = context
  const classes = emittedClasses(job)
  await fs.mkdir(folder)

  const segments: SegmentFile[] = []
  for (const taskId of spec.sources) {
    const path = joinPath(committedFolder(jobFolder, taskId), MAP_OUTPUT_FILE)
    segments.push({ fs, path, segment: (await readSegments(fs, path))[spec.partition]! })
  }
  const shuffled = segments.reduce((sum, { segment }) => sum + segment.records, 0)
  const shuffledBytes = segments.reduce((sum, { segment }) => sum + segment.length, 0)
  counters.increment(
    TASK_COUNTERS,
    'SHUFFLED_MAPS',
    segments.filter(({ segment }) => segment.records > 0).length,
  )
  counters.increment(TASK_COUNTERS, 'REDUCE_SHUFFLE_BYTES', shuffledBytes)

  let scratchFiles = 0
  /** As last told. */
  let readRecords = 0
  let reduceEmitted = 0
  let groupCount = 0
  let current: unknown
  let late: Error | undefined
  await using opened = await mergeSegments(segments, {
    order: shuffleOrder(job),
    bytes: spec.job.shuffle!.sortBytes,
    format: { ...classes, codec: spec.job.shuffle!.codec },
    scratch() {
      // Merging so much that it takes several passes is progress as well.
      tell()
      return { fs, path: joinPath(folder, `merge-${scratchFiles++}`) }
    },
    signal,
  })
  await using part = new PartWriter(fs, joinPath(folder, ATTEMPT_PART), spec.job.output)
  const outputs = new Map<string, ReduceOutput>()
  await using _ = {
    async [Symbol.asyncDispose]() {
      for (const { writer } of outputs.values()) await writer[Symbol.asyncDispose]()
    },
  }
  const reduced = job.reduce ? await reduceGroups(job.reduce) : await copyRecords()

  for (let file = 0; file < scratchFiles; file++) {
    await fs.delete(joinPath(folder, `merge-${file}`))
    await fs.delete(joinPath(folder, `merge-${file}.index`))
  }
  const partReport = await part.closeEvenEmpty()
  const outputReports: Record<string, PartReport> = {}
  for (const [name, { writer }] of outputs) outputReports[name] = await writer.closeEvenEmpty()
  const written = [partReport, ...Object.values(outputReports)].reduce((sum, { records }) => sum + records, 0)
  const ledger = { ...emptyLedger(), shuffled, reduced, reduceEmitted, written }
  checkLedger(ledger, `task ${spec.taskId}`)
  counters.increment(TASK_COUNTERS, 'REDUCE_INPUT_GROUPS', groupCount)
  counters.increment(TASK_COUNTERS, 'REDUCE_INPUT_RECORDS', reduced)
  counters.increment(TASK_COUNTERS, 'REDUCE_OUTPUT_RECORDS', reduceEmitted)
  // What was shuffled is told once, by the maps.
  const { shuffled: _told, ...own } = ledger
  const report: TaskReport = {
    taskId: spec.taskId,
    epoch: spec.job.epoch,
    attempt: spec.attempt,
    ledger: own,
    bytesIn: shuffledBytes,
    part: partReport,
    ...(outputs.size > 0 ? { outputs: outputReports } : {}),
    counters: counters.toJson(),
    badRecords: [],
  }
  if (late) throw late
  await commitAttempt(attempt, report)
  return report

  /** @returns the records read */
  async function reduceGroups(reduce: NonNullable<Job['reduce']>): Promise<number> {
    const encoder = new RecordEncoder(classesOf(job.output))
    const decodeKey = writableFor(classes.keyClass).decode
    const decodeValue = writableFor(classes.valueClass).decode
    const groups = new Groups(opened.merge, isSameGroup(job))
    const decode = (value: Uint8Array) => {
      look(groups.records)
      return decodeValue(value)
    }
    while (await groups.next()) {
      groupCount++
      const key = decodeKey(groups.key)
      current = key
      look(groups.records, 1)
      if (spec.isCareful) context.note?.(inWork())
      try {
        await callReduce(reduce, key, groups, decode, {
          params,
          counters,
          signal,
          partition: spec.partition,
          emit(emittedKey, value) {
            const record = encoder.encode(emittedKey, value)
            reduceEmitted++
            return () => part.write(record.key, record.value)
          },
          emitTo(name, emittedKey, value) {
            const output = definedOutput(name)
            const record = output.encoder.encode(emittedKey, value)
            reduceEmitted++
            return () => output.writer.write(record.key, record.value)
          },
          progress: tell,
          lateEmit(error) {
            late ??= new UserCodeError(`Cannot reduce ${shownKey(key)}: ${describeError(error)}`)
          },
        })
        if (late) throw late
      } catch (error) {
        signal.throwIfAborted()
        if (error === late) throw error
        throw new UserCodeError(`Cannot reduce ${shownKey(key)}: ${describeError(error)}`, {
          cause: error,
          details: { key: String(key), partition: spec.partition },
        })
      }
    }
    return groups.records
  }

  /** @returns the records read */
  async function copyRecords(): Promise<number> {
    const { merge } = opened
    let copied = 0
    const names = spec.job.shuffle!.hashesKeys
      ? openOutput(NAMES_OUTPUT, { key: Text, value: Text }).writer
      : undefined
    while (await merge.fill()) {
      look(copied)
      for (let record = merge.next(); record; record = merge.next()) {
        copied++
        reduceEmitted++
        if (names) {
          const { name, value } = splitName(record.value)
          reduceEmitted++
          await names.write(record.key, name)
          await part.write(record.key, value)
          continue
        }
        const writing = part.write(record.key, record.value)
        if (writing) await writing
      }
    }
    return copied
  }

  /** One of the job's own outputs. */
  function definedOutput(name: string): ReduceOutput {
    const known = outputs.get(name)
    if (known) return known
    const definition = job.outputs[name]
    if (definition) return openOutput(name, definition)
    const names = Object.keys(job.outputs).join(', ') || 'none'
    throw new UserCodeError(`There is no output "${name}"; the job defines ${names}`)
  }

  function openOutput(name: string, definition: Job['output']): ReduceOutput {
    const { format = 'mapfile' } = definition
    const classes = classesOf(definition)
    const path = joinPath(folder, `${ATTEMPT_PART}-${name}`)
    const output = {
      writer: new PartWriter(fs, path, { ...spec.job.output, ...classes, format }),
      encoder: new RecordEncoder(classes),
    }
    outputs.set(name, output)
    return output
  }

  function look(records: number, every = RECORDS_A_LOOK): void {
    if (records - readRecords < every) return
    signal.throwIfAborted()
    readRecords = records
    tell()
  }

  /** The group that is being reduced. */
  function inWork(): RunningRecord[] {
    return current === undefined ? [] : [{ ordinal: groupCount - 1, key: shownKey(current) }]
  }

  function tell(): void {
    const { taskId, attempt: number } = spec
    const share = shuffled === 0 ? 1 : readRecords / shuffled
    context.onProgress({
      taskId,
      attempt: number,
      read: readRecords,
      bytesIn: Math.round(share * shuffledBytes),
      bad: 0,
      share,
      running: inWork(),
    })
  }
}

/** A further output of the job, opened. */
interface ReduceOutput {
  writer: PartWriter
  encoder: RecordEncoder
}
