import { type Location, uriOf } from '../../fs/resolve.js'
import {
  addCounters,
  type CounterSums,
  Counters,
  INPUT_COUNTERS,
  JOB_COUNTERS,
  OUTPUT_COUNTERS,
} from '../counters.js'
import { addLedgers, checkLedger } from '../ledger.js'
import type { SuccessFile, SuccessPart } from '../output/success-file.js'
import type { JobSpec, TaskReport, TaskSpec } from '../task/task.js'
import type { OutputParts } from './commit.js'
import type { JobResult } from './events.js'
import type { JobRunSpec } from './job-spec.js'
import type { Plan } from './plan.js'
import type { AttemptCounts } from './stage-options.js'

/** Attempts of each kind of task that this driver made. */
export type StageAttempts = ReadonlyMap<TaskSpec['kind'], AttemptCounts>

/**
 * What a job's tasks amount to, once its parts are written.
 * @throws LedgerError when the sums of what was read, emitted and written differ.
 */
export function successFile(
  spec: JobRunSpec,
  job: JobSpec,
  plan: Plan,
  maps: readonly TaskReport[],
  reduces: readonly TaskReport[],
  gathered: OutputParts,
  attempts: StageAttempts,
  counted?: CounterSums,
): SuccessFile {
  const parts = gathered.parts.map(({ part }) => part)
  const quarantine = gathered.quarantine.map(({ part }) => part)
  const outputs = Object.fromEntries(
    Object.entries(gathered.outputs).map(([name, placed]) => [name, placed.map(({ part }) => part)]),
  )
  const outputFormats = Object.fromEntries(
    Object.keys(outputs).map((name) => [name, spec.opened.job.outputs[name]?.format ?? 'mapfile']),
  )
  const all = [...parts, ...Object.values(outputs).flat()]
  const sum = <T>(of: readonly T[], each: (item: T) => number) =>
    of.reduce((total, item) => total + each(item), 0)
  const written = sum(all, (part) => part.records)
  const ledger = { ...addLedgers([...maps, ...reduces].map((report) => report.ledger)), written }
  checkLedger(ledger, `job ${spec.jobId}`, plan.records)
  const setAside = sum(quarantine, (part) => part.records)
  if (setAside !== ledger.quarantined) {
    checkLedger({ ...ledger, quarantined: setAside }, `the quarantine of job ${spec.jobId}`)
  }
  const { format, ...stored } = job.output
  return {
    format: 1,
    jobId: spec.jobId,
    job: spec.opened.job.name,
    params: spec.params.complete,
    version: spec.version,
    inputs: [...spec.inputs],
    ledger,
    counters: {
      bytesIn: sum(maps, (report) => report.bytesIn),
      bytesOut: sum(all, (part) => part.bytes),
      duplicateKeys: gathered.duplicateKeys,
    },
    counterGroups: addCounters([jobCounters(maps, reduces, all, attempts), counted]),
    outputFormat: format,
    ...stored,
    partitioning: partitioningOf(spec, job, gathered.areRanges),
    parts,
    quarantine,
    ...(Object.keys(outputs).length > 0 ? { outputs, outputFormats } : {}),
  }
}

/** What a lookup may go by: a job's own partitioner may put a key anywhere. */
function partitioningOf(
  { opened }: JobRunSpec,
  { shuffle }: JobSpec,
  areRanges: boolean,
): SuccessFile['partitioning'] {
  const isHash = shuffle && shuffle.partitions > 1 && opened.job.partition === undefined
  if (isHash && !opened.job.reduce) return 'hash'
  return areRanges ? 'ranges' : 'overlapping'
}

/** The result of a job as its output tells it. */
export function jobResult(output: Location, success: SuccessFile, startMs: number): JobResult {
  return {
    jobId: success.jobId,
    job: success.job,
    output: uriOf(output),
    ledger: success.ledger,
    counters: success.counters,
    counterGroups: success.counterGroups ?? {},
    parts: success.parts,
    ...(success.outputs ? { outputs: success.outputs } : {}),
    quarantine: success.quarantine,
    badRecords: [],
    left: {},
    elapsedMs: Date.now() - startMs,
  }
}

function jobCounters(
  maps: readonly TaskReport[],
  reduces: readonly TaskReport[],
  parts: readonly SuccessPart[],
  attempts: StageAttempts,
): CounterSums {
  const job = new Counters()
  for (const [kind, name] of [
    ['map', 'MAPS'],
    ['reduce', 'REDUCES'],
  ] as const) {
    // Attempts of this driver: tasks that an earlier one has committed were not launched again.
    const { launched = 0, failed = 0, killed = 0 } = attempts.get(kind) ?? {}
    if (launched > 0) job.increment(JOB_COUNTERS, `TOTAL_LAUNCHED_${name}`, launched)
    if (failed > 0) job.increment(JOB_COUNTERS, `NUM_FAILED_${name}`, failed)
    if (killed > 0) job.increment(JOB_COUNTERS, `NUM_KILLED_${name}`, killed)
  }
  for (const { bytesIn } of maps) job.increment(INPUT_COUNTERS, 'BYTES_READ', bytesIn)
  for (const { bytes } of parts) job.increment(OUTPUT_COUNTERS, 'BYTES_WRITTEN', bytes)
  return addCounters([...maps, ...reduces].map((report) => report.counters).concat(job.toJson()))
}
