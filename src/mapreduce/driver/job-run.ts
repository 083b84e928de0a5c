import { KeyError, PixelreduceError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { uriOf } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import { PartitionTable } from '../../io/partition-file.js'
import {
  addCounters,
  type CounterSums,
  Counters,
  INPUT_COUNTERS,
  JOB_COUNTERS,
  OUTPUT_COUNTERS,
} from '../counters.js'
import { emittedClasses } from '../job.js'
import { addLedgers, checkLedger } from '../ledger.js'
import { publishOutput, rollForward } from '../output/replace-output.js'
import type { SuccessFile, SuccessPart } from '../output/success-file.js'
import { keyOrder } from '../shuffle/key-order.js'
import { committedReport } from '../task/attempt.js'
import {
  attemptFolder,
  BUNDLE_FILE,
  mapTaskId,
  PARTITION_FILE,
  PLAN_FILE,
  reduceTaskId,
  sampleTaskId,
} from '../task/layout.js'
import type {
  JobSpec,
  MapTaskSpec,
  ReduceTaskSpec,
  SampleTaskSpec,
  TaskExecutor,
  TaskProgress,
  TaskReport,
  TaskSpec,
} from '../task/task.js'
import { checkBadRecords } from './bad-record-limit.js'
import { assembleOutput, gatherParts } from './commit.js'
import type { JobEvent, JobResult } from './events.js'
import { type JobRunSpec, jobSpec } from './job-spec.js'
import { type JobState, nextState } from './job-state.js'
import { outputCompression } from './options.js'
import { checkOutputSpecs, makeJobFolder, removeJobFolder } from './output-specs.js'
import { type Plan, planJob } from './plan.js'
import { runStage } from './run-stage.js'
import { evenly, partitionKeys } from './sampling.js'
import { StageProgress } from './stage-progress.js'

/** Splits that are sampled for a total order, and records that are mapped for it in all. */
const SAMPLED_SPLITS = 10
const SAMPLED_RECORDS = 10_000

/** Bad records that the result carries in words. */
const REPORTED_BAD_RECORDS = 5

/**
 * Drives one job from planning to its commit: plan, map, join, publish. Whatever goes wrong on the way,
 * nothing is left but what was there before.
 *
 * @throws what ended the job; KilledError when the signal did.
 */
export async function driveJob(
  spec: JobRunSpec,
  executor: TaskExecutor,
  signal: AbortSignal,
  onEvent: (event: JobEvent) => void,
): Promise<JobResult> {
  const startMs = Date.now()
  const { output, jobFolder, options } = spec
  let state: JobState = 'submitted'
  let parents: string[] | undefined
  const enter = (to: JobState): void => {
    state = nextState(state, to)
    onEvent({ type: 'state', state })
  }

  try {
    enter('planning')
    const compression = await outputCompression(options)
    await checkOutputSpecs(output, spec.inputs, options.overwrite)
    parents = await makeJobFolder(output, jobFolder)
    const plan = await planJob(
      { name: spec.opened.job.name, params: spec.params.complete },
      spec.inputs,
      jobFolder,
      options,
    )
    const job = jobSpec(spec, plan, compression)
    await stage(job, plan)
    onEvent({
      type: 'planned',
      splits: plan.splits.length,
      reducers: job.shuffle?.partitions ?? 0,
      records: plan.records,
      bytes: plan.bytes,
      left: plan.left,
    })

    signal.throwIfAborted()
    enter('mapping')
    if (job.shuffle?.partitionFile !== undefined) await sampleKeys(job, plan)
    const maps = await runMaps(job, plan)
    const mapped = addLedgers(maps.map((report) => report.ledger))
    const badRecords = maps.flatMap((report) => report.badRecords).slice(0, REPORTED_BAD_RECORDS)
    checkBadRecords(mapped.quarantined + mapped.skipped, mapped.read, options.maxBad, badRecords)

    let reduces: TaskReport[] = []
    if (job.shuffle) {
      enter('reducing')
      reduces = await runReduces(job, maps)
    }

    enter('committing')
    const success = await commit(job, plan, maps, reduces)
    enter('succeeded')
    return {
      jobId: spec.jobId,
      job: spec.opened.job.name,
      output: uriOf(output),
      ledger: success.ledger,
      counters: success.counters,
      counterGroups: success.counterGroups ?? {},
      parts: success.parts,
      ...(success.outputs ? { outputs: success.outputs } : {}),
      quarantine: success.quarantine,
      badRecords,
      left: plan.left,
      elapsedMs: Date.now() - startMs,
    }
  } catch (error) {
    const killed = signal.aborted
    await executor.close()
    const made = parents
    if (made) await cleanUp(() => removeJobFolder(jobFolder, made))
    enter(killed ? 'killed' : 'failed')
    throw killed ? signal.reason : error
  }

  /** What can't be removed is told and changes nothing more: not why a job failed, nor that it succeeded. */
  async function cleanUp(remove: () => Promise<unknown>): Promise<void> {
    try {
      await remove()
    } catch (error) {
      if (!(error instanceof PixelreduceError)) throw error
      onEvent({ type: 'left-behind', uri: uriOf(jobFolder), error })
    }
  }

  /** Writes what the tasks will need into the job's folder. */
  async function stage(job: JobSpec, plan: Plan): Promise<void> {
    const { fs, path } = jobFolder
    const { bundle } = spec.opened
    if (bundle !== undefined) await writeText(fs, joinPath(path, BUNDLE_FILE), bundle, { unshared: true })
    await writeText(fs, joinPath(path, PLAN_FILE), `${JSON.stringify({ job, plan })}\n`, { unshared: true })
  }

  async function runMaps(job: JobSpec, plan: Plan): Promise<TaskReport[]> {
    const tasks = plan.splits.map(
      (split, index): MapTaskSpec => ({ kind: 'map', job, taskId: mapTaskId(index), attempt: 0, split }),
    )
    const progress = new StageProgress('map', plan, tasks.length)
    return runTasks(tasks, {
      onProgress(task) {
        progress.update(task)
        onEvent(progress.event())
        checkBadRecords(progress.bad, plan.records, options.maxBad, progress.badRecords)
      },
      onReport(report) {
        progress.finish(report)
        onEvent(progress.event())
        checkBadRecords(progress.bad, plan.records, options.maxBad, progress.badRecords)
      },
    })
  }

  /** Learns from a few records how the keys are spread, and writes where each partition begins. */
  async function sampleKeys(job: JobSpec, plan: Plan): Promise<void> {
    const splits = evenly(plan.splits, SAMPLED_SPLITS)
    const records = Math.ceil(SAMPLED_RECORDS / splits.length)
    const tasks = splits.map(
      (split, index): SampleTaskSpec => ({
        kind: 'sample',
        job,
        taskId: sampleTaskId(index),
        attempt: 0,
        split,
        records,
      }),
    )
    const reports = await runTasks(tasks, {})
    const keys = reports.flatMap(({ sample = [] }) => sample.map((key) => Buffer.from(key, 'base64')))
    const { keyClass } = emittedClasses(spec.opened.job)
    const table = PartitionTable.of(
      keyClass,
      partitionKeys(keys, job.shuffle!.partitions, keyOrder(keyClass).compare),
    )
    const { fs, path } = jobFolder
    const sink = await fs.create(joinPath(path, PARTITION_FILE), { unshared: true })
    await table.write(sink, { syncMarker: Buffer.from(plan.syncMarker, 'hex') })
  }

  async function runReduces(job: JobSpec, maps: readonly TaskReport[]): Promise<TaskReport[]> {
    const sources = maps.map(({ taskId }) => taskId)
    const tasks = Array.from(
      { length: job.shuffle!.partitions },
      (_, partition): ReduceTaskSpec => ({
        kind: 'reduce',
        job,
        taskId: reduceTaskId(partition),
        attempt: 0,
        partition,
        sources,
      }),
    )
    const { shuffled = 0 } = addLedgers(maps.map((report) => report.ledger))
    const progress = new StageProgress('reduce', { records: shuffled, bytes: 0 }, tasks.length)
    const tell = () => onEvent(progress.event())
    return runTasks(tasks, {
      onProgress(task) {
        progress.update(task)
        tell()
      },
      onReport(report) {
        progress.finish(report)
        tell()
      },
    })
  }

  function runTasks(
    tasks: readonly TaskSpec[],
    watch: { onProgress?(task: TaskProgress): void; onReport?(report: TaskReport): void },
  ): Promise<TaskReport[]> {
    const { fs, path } = jobFolder
    return runStage(tasks, executor, {
      signal,
      onProgress: watch.onProgress ?? (() => {}),
      onReport: watch.onReport ?? (() => {}),
      onFailure: (failure) => onEvent({ type: 'task-failed', ...failure }),
      abortAttempt: async ({ taskId, attempt }) => {
        await fs.delete(attemptFolder(path, taskId, attempt), { recursive: true })
      },
      committedReport: (taskId) => committedReport(fs, path, taskId),
    })
  }

  async function commit(
    job: JobSpec,
    plan: Plan,
    maps: readonly TaskReport[],
    reduces: readonly TaskReport[],
  ): Promise<SuccessFile> {
    const gathered = await gatherParts(maps, reduces, job, options.partBytes, (tasks) => runTasks(tasks, {}))
    if (options.duplicateKeys === 'refuse' && gathered.duplicateKeys > 0) {
      throw new KeyError(
        `Cannot write ${uriOf(output)}: two records have the key ${JSON.stringify(gathered.firstDuplicate)}; give inputs whose keys differ`,
      )
    }
    const parts = gathered.parts.map(({ part }) => part)
    const quarantine = gathered.quarantine.map(({ part }) => part)
    const outputs = Object.fromEntries(
      Object.entries(gathered.outputs).map(([name, placed]) => [name, placed.map(({ part }) => part)]),
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
    const success: SuccessFile = {
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
      counterGroups: jobCounters(maps, reduces, all),
      outputFormat: format,
      ...stored,
      partitioning: partitioningOf(job, gathered.areRanges),
      parts,
      quarantine,
      ...(Object.keys(outputs).length > 0 ? { outputs } : {}),
    }
    await assembleOutput(jobFolder, gathered, job, success)
    signal.throwIfAborted()
    await publishOutput(output, jobFolder.path, spec.jobId, options.overwrite)
    await cleanUp(async () => {
      if (options.overwrite) await rollForward(output)
      await removeJobFolder(jobFolder, [])
    })
    return success
  }

  /** What a lookup may go by: a job's own partitioner may put a key anywhere. */
  function partitioningOf(job: JobSpec, areRanges: boolean): SuccessFile['partitioning'] {
    const { partition } = spec.opened.job
    const isHash = job.shuffle && job.shuffle.partitions > 1 && partition === undefined
    if (isHash && !spec.opened.job.reduce) return 'hash'
    return areRanges ? 'ranges' : 'overlapping'
  }
}

function jobCounters(
  maps: readonly TaskReport[],
  reduces: readonly TaskReport[],
  parts: readonly SuccessPart[],
): CounterSums {
  const job = new Counters()
  job.increment(JOB_COUNTERS, 'TOTAL_LAUNCHED_MAPS', maps.length)
  if (reduces.length > 0) job.increment(JOB_COUNTERS, 'TOTAL_LAUNCHED_REDUCES', reduces.length)
  for (const { bytesIn } of maps) job.increment(INPUT_COUNTERS, 'BYTES_READ', bytesIn)
  for (const { bytes } of parts) job.increment(OUTPUT_COUNTERS, 'BYTES_WRITTEN', bytes)
  return addCounters([...maps, ...reduces].map((report) => report.counters).concat(job.toJson()))
}
