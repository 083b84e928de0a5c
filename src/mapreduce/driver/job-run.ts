import { describeError, FencedError, HandedOverError, KeyError, PixelreduceError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import { joinPath } from '../../fs/path.js'
import { renameSurely } from '../../fs/rename-surely.js'
import { uriOf } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import { PartitionTable } from '../../io/partition-file.js'
import { HistoryWriter } from '../history/history-writer.js'
import { noneFound } from '../input/only-records.js'
import { emittedClasses } from '../job.js'
import { addLedgers } from '../ledger.js'
import { mergeRetried } from '../output/merge-retried.js'
import { publishOutput, rollForward } from '../output/replace-output.js'
import { readSuccess, type SuccessFile } from '../output/success-file.js'
import { committedReport, committedReports, removeAttempt } from '../task/attempt.js'
import {
  attemptFolder,
  BUNDLE_FILE,
  historyCopies,
  listingFolder,
  mapTaskId,
  outputFolder,
  PARTITION_FILE,
  reduceTaskId,
  sampleTaskId,
} from '../task/layout.js'
import { shuffleOrder } from '../task/shuffle-order.js'
import type {
  BadRecord,
  JobSpec,
  MapTaskSpec,
  ReduceTaskSpec,
  SampleTaskSpec,
  TaskExecutor,
  TaskProgress,
  TaskReport,
  TaskSpec,
} from '../task/task.js'
import { AttemptEvents } from './attempt-events.js'
import { checkBadRecords } from './bad-record-limit.js'
import { assembleOutput, gatherParts } from './commit.js'
import type { JobEvent, JobResult } from './events.js'
import { endedEvent, submittedEvent, succeededEvent } from './job-events.js'
import { jobResult, successFile } from './job-result.js'
import { identityOf, type JobRunSpec, jobSpec } from './job-spec.js'
import { type JobState, nextState } from './job-state.js'
import { outputCompression } from './options.js'
import { checkOutputSpecs, makeJobFolder, removeJobFolder } from './output-specs.js'
import { type Plan, planJob } from './plan.js'
import { requireEpoch, type StoredPlan, takeEpoch, writePlan } from './resume.js'
import { runStage } from './run-stage.js'
import { evenly, partitionKeys } from './sampling.js'
import type { AttemptCounts } from './stage-options.js'
import { type StagePlan, StageProgress } from './stage-progress.js'

/** Splits that are sampled for a total order, and records that are mapped for it in all. */
const SAMPLED_SPLITS = 10
const SAMPLED_RECORDS = 10_000

/** Bad records that the result carries in words. */
const REPORTED_BAD_RECORDS = 5

interface TaskWatch {
  onProgress?(task: TaskProgress): void
  onReport?(report: TaskReport): void
}

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
  tell: (event: JobEvent) => void,
): Promise<JobResult> {
  const startMs = Date.now()
  const { output, jobFolder, options } = spec
  const history = new HistoryWriter(spec.history, (uri, error) =>
    tell({ type: 'history-failed', uri, error }),
  )
  const onEvent = (event: JobEvent): void => {
    history.record(event)
    tell(event)
  }
  let state: JobState = 'submitted'
  let parents: string[] | undefined
  let epoch = 0
  const stageAttempts = new Map<TaskSpec['kind'], AttemptCounts>()
  /** Tasks that an earlier driver of this job has seen committed. */
  let committed = new Map<string, TaskReport>()
  const enter = (to: JobState): void => {
    state = nextState(state, to)
    onEvent({ type: 'state', state })
  }

  try {
    onEvent(submittedEvent(spec))
    enter('planning')
    const { job, plan } = spec.earlier ? await takeOver(spec.earlier) : await begin()
    onEvent({
      type: 'planned',
      ...(spec.earlier ? { committed: committed.size } : {}),
      input: spec.opened.job.input.kind,
      splits: plan.splits.length,
      reducers: job.shuffle?.partitions ?? 0,
      records: plan.records,
      bytes: plan.bytes,
      left: plan.left,
      tasks: plan.splits,
    })

    signal.throwIfAborted()
    enter('mapping')
    if (job.shuffle?.partitionFile !== undefined) await sampleKeys(job, plan)
    const maps = await runMaps(job, plan)
    const mapped = addLedgers(maps.map((report) => report.ledger))
    if (options.only && mapped.read === 0) throw noneFound(options.only)
    const badRecords = maps.flatMap((report) => report.badRecords).slice(0, REPORTED_BAD_RECORDS)
    checkBadRecords(mapped.quarantined + mapped.skipped, mapped.read, options.maxBad, badRecords[0])

    let reduces: TaskReport[] = []
    if (job.shuffle) {
      enter('reducing')
      reduces = await runReduces(job, maps)
    }

    enter('committing')
    const success = await commit(job, plan, maps, reduces, badRecords)
    enter('succeeded')
    onEvent(succeededEvent(output, success, startMs, badRecords))
    return { ...jobResult(output, success, startMs), badRecords, left: plan.left }
  } catch (error) {
    if (signal.reason instanceof HandedOverError) {
      onEvent({ type: 'handed-over', error: signal.reason })
      throw signal.reason
    }
    const killed = signal.aborted
    await executor.close()
    if (epoch > 0 && !killed) {
      // Whatever went wrong here: another driver of this job may have finished it.
      const success = await readSuccess(output).catch(() => undefined)
      if (success?.jobId === spec.jobId) {
        await cleanUp(removeFinished)
        enter('succeeded')
        onEvent(succeededEvent(output, success, startMs))
        return jobResult(output, success, startMs)
      }
    }
    const fenced = epoch > 0 ? await fencedBy() : undefined
    if (fenced) {
      // What becomes of the job is the other one's to tell, and nothing of it may be removed.
      const handedOver = new HandedOverError(fenced.message, { cause: fenced })
      onEvent({ type: 'handed-over', error: handedOver })
      throw killed ? signal.reason : handedOver
    }
    if (!killed && error instanceof PixelreduceError && spec.handsOver?.(error, epoch)) {
      const handedOver = new HandedOverError(
        `Cannot drive ${spec.jobId} from here: ${describeError(error)}; another worker goes on`,
        { cause: error },
      )
      onEvent({ type: 'handed-over', error: handedOver })
      throw handedOver
    }
    const made = parents
    if (made) {
      await cleanUp(async () => {
        // Where it can't be seen that nobody else has the job nothing is removed.
        if (epoch > 0) await requireEpoch(jobFolder, epoch)
        await removeJobFolder(jobFolder, made)
      })
    }
    enter(killed ? 'killed' : 'failed')
    onEvent(endedEvent(killed ? 'killed' : 'failed', killed ? signal.reason : error))
    throw killed ? signal.reason : error
  } finally {
    await history.close()
  }

  async function begin(): Promise<StoredPlan> {
    if (spec.folderParents) await begun(spec.folderParents)
    const compression = await outputCompression(options)
    if (options.retryOf === undefined) await checkOutputSpecs(output, spec.inputs, options.overwrite)
    else await rollForward(output)
    if (!spec.folderParents) await begun(await makeJobFolder(output, jobFolder))
    await spec.beforePlanning?.()
    const { name, input } = spec.opened.job
    const params = spec.params.complete
    const { fs, path } = jobFolder
    const listings = { fs, path: listingFolder(path, epoch) }
    await fs.mkdir(listings.path)
    const plan = await planJob({ name, params, input }, spec.inputs, listings, options)
    const job = jobSpec(spec, plan, compression, epoch)
    const { bundle } = spec.opened
    if (bundle !== undefined && !spec.folderParents)
      await writeText(fs, joinPath(path, BUNDLE_FILE), bundle, { unshared: true })
    return writePlan(jobFolder, { identity: identityOf(spec), job, plan, options })
  }

  /**
   * From here on this driver is the one that counts, until another one takes the next number.
   * @param made parents of the job's folder, which go with it
   */
  async function begun(made: readonly string[]): Promise<void> {
    // A folder that was there before is this driver's to remove once it counts.
    if (!spec.folderParents) parents = [...made]
    epoch = await takeEpoch(jobFolder)
    parents = [...made]
    await spec.onEpoch?.(epoch)
    signal.throwIfAborted()
  }

  /** Undefined while this driver is the one that counts, also where that can't be seen. */
  async function fencedBy(): Promise<FencedError | undefined> {
    try {
      await requireEpoch(jobFolder, epoch)
    } catch (error) {
      // A folder that is gone was removed by another driver only where there can be one.
      const isGone = error instanceof FencedError && error.details?.newest === 0
      if (error instanceof FencedError && !(isGone && !spec.folderParents)) return error
    }
    return undefined
  }

  /** Goes on with what another driver began: by its plan, and with the tasks that are committed. */
  async function takeOver(stored: StoredPlan): Promise<StoredPlan> {
    await rollForward(output)
    await begun(spec.folderParents ?? [])
    committed = await committedReports(jobFolder.fs, jobFolder.path)
    return { ...stored, job: { ...stored.job, epoch } }
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

  /** When the output is published nobody needs the job's folder any more, whichever driver it was. */
  async function removeFinished(): Promise<void> {
    if (options.overwrite) await rollForward(output)
    await removeJobFolder(jobFolder, [])
  }

  async function runMaps(job: JobSpec, plan: Plan): Promise<TaskReport[]> {
    const tasks = plan.splits.map(
      (split, index): MapTaskSpec => ({ kind: 'map', job, taskId: mapTaskId(index), attempt: 0, split }),
    )
    return runTasks(tasks, watching('map', plan, tasks.length))
  }

  /** Learns from a few records how the keys are spread, and writes where each partition begins. */
  async function sampleKeys(job: JobSpec, plan: Plan): Promise<void> {
    const { fs, path } = jobFolder
    const file = joinPath(path, PARTITION_FILE)
    if (await exists({ fs, path: file })) return
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
    const { compare } = shuffleOrder(spec.opened.job)
    const bounds = partitionKeys(keys, job.shuffle!.partitions, compare)
    const table = PartitionTable.of(keyClass, bounds, PARTITION_FILE, compare)
    const aside = joinPath(path, `.${PARTITION_FILE}-${epoch}`)
    const sink = await fs.create(aside, { unshared: true })
    await table.write(sink, { syncMarker: Buffer.from(plan.syncMarker, 'hex') })
    await renameSurely(fs, aside, file, () => exists({ fs, path: file }))
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
    return runTasks(tasks, watching('reduce', { records: shuffled, bytes: 0 }, tasks.length))
  }

  /** Tells how a stage gets on, and ends it when too many of its records are bad. */
  function watching(stage: 'map' | 'reduce', planned: StagePlan, tasks: number): TaskWatch {
    const progress = new StageProgress(stage, planned, tasks)
    const look = () => {
      onEvent(progress.event())
      checkBadRecords(progress.bad, planned.records, options.maxBad, progress.firstBad)
    }
    return {
      onProgress(task) {
        progress.update(task)
        look()
      },
      onReport(report) {
        progress.finish(report)
        look()
      },
    }
  }

  async function runTasks(all: readonly TaskSpec[], watch: TaskWatch): Promise<TaskReport[]> {
    const { fs, path } = jobFolder
    for (const { taskId } of all) if (committed.has(taskId)) watch.onReport?.(committed.get(taskId)!)
    const tasks = all.filter(({ taskId }) => !committed.has(taskId))
    const attempts = new AttemptEvents(onEvent)
    const { reports, attempts: counts } = await runStage(tasks, executor, {
      signal,
      speculation: options.speculation || undefined,
      quietMs: options.quietMs,
      onBegin: (progress) => attempts.progress(progress),
      onKilled: (attempt) => onEvent({ type: 'task-killed', ...attempt }),
      onLost: (attempt) => onEvent({ type: 'task-lost', ...attempt }),
      onSpeculation: (attempt) => onEvent({ type: 'task-speculated', ...attempt }),
      onQuiet: (quietMs, running) => onEvent({ type: 'no-progress', quietMs, running }),
      onProgress(task) {
        attempts.progress(task)
        watch.onProgress?.(task)
      },
      onReport(report) {
        attempts.finished(report)
        watch.onReport?.(report)
      },
      onFailure: (failure) => attempts.failed(failure),
      abortAttempt: async ({ taskId, attempt }) => {
        await removeAttempt({ fs, folder: attemptFolder(path, taskId, epoch, attempt) })
      },
      committedReport: (taskId) => committedReport(fs, path, taskId),
    })
    const [first] = tasks
    if (first) stageAttempts.set(first.kind, counts)
    const done = new Map(reports.map((report) => [report.taskId, report]))
    return all.map(({ taskId }) => committed.get(taskId) ?? done.get(taskId)!)
  }

  async function commit(
    job: JobSpec,
    plan: Plan,
    maps: readonly TaskReport[],
    reduces: readonly TaskReport[],
    badRecords: BadRecord[],
  ): Promise<SuccessFile> {
    const gathered = await gatherParts(maps, reduces, job, options.partBytes, (tasks) => runTasks(tasks, {}))
    if (options.duplicateKeys === 'refuse' && gathered.duplicateKeys > 0) {
      throw new KeyError(
        `Cannot write ${uriOf(output)}: two records have the key ${JSON.stringify(gathered.firstDuplicate)}; give inputs whose keys differ`,
      )
    }
    let success = successFile(spec, job, plan, maps, reduces, gathered, stageAttempts, executor.counters)
    await requireEpoch(jobFolder, epoch)
    await assembleOutput(jobFolder, gathered, job, success)
    if (options.retryOf !== undefined) {
      success = await mergeRetried(output, jobFolder, success, options.retryOf, job.output)
    }
    const finished = { fs: jobFolder.fs, path: outputFolder(jobFolder.path) }
    await history.copyTo(historyCopies(finished), succeededEvent(output, success, startMs, badRecords))
    signal.throwIfAborted()
    await requireEpoch(jobFolder, epoch)
    await publishOutput(output, jobFolder.path, spec.jobId, options.overwrite)
    await cleanUp(removeFinished)
    return success
  }
}
