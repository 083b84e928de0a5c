import { KeyError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import { addLedgers, checkLedger, type Ledger } from '../ledger.js'
import { publishOutput } from '../output/replace-output.js'
import type { SuccessFile } from '../output/success-file.js'
import { committedReport } from '../task/attempt.js'
import { attemptFolder, BUNDLE_FILE, mapTaskId, PLAN_FILE } from '../task/layout.js'
import type {
  BadRecord,
  JobSpec,
  MapTaskSpec,
  OutputSpec,
  TaskExecutor,
  TaskProgress,
  TaskReport,
  TaskSpec,
} from '../task/task.js'
import { checkBadRecords } from './bad-record-limit.js'
import { assembleOutput, joinParts } from './commit.js'
import type { JobEvent, JobResult } from './events.js'
import { type JobState, nextState } from './job-state.js'
import type { OpenedJob } from './open-job.js'
import { outputCompression, type ResolvedOptions } from './options.js'
import { checkOutputSpecs, makeJobFolder, removeJobFolder } from './output-specs.js'
import { type Plan, planJob } from './plan.js'
import { runStage } from './run-stage.js'

/** Bad records that the result carries in words. */
const REPORTED_BAD_RECORDS = 5

export interface JobRunSpec {
  jobId: string
  opened: OpenedJob
  /** The params as they were given, and as the schema completed them. */
  params: { given: unknown; complete: unknown }
  inputs: readonly string[]
  output: Location
  jobFolder: Location
  options: ResolvedOptions
  version: SuccessFile['version']
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
    const job = await stage(spec, plan, {
      syncMarker: plan.syncMarker,
      indexInterval: options.indexInterval,
      crc: options.crc,
      ...compression,
    })
    onEvent({
      type: 'planned',
      splits: plan.splits.length,
      records: plan.records,
      bytes: plan.bytes,
      left: plan.left,
    })

    signal.throwIfAborted()
    enter('mapping')
    const reports = await runMaps(job, plan)
    const ledger = addLedgers(reports.map((report) => report.ledger))
    const badRecords = reports.flatMap((report) => report.badRecords).slice(0, REPORTED_BAD_RECORDS)
    checkBadRecords(ledger.quarantined + ledger.skipped, ledger.read, options.maxBad, badRecords)

    enter('committing')
    const success = await commit(job, plan, reports, ledger)
    enter('succeeded')
    return {
      jobId: spec.jobId,
      job: spec.opened.job.name,
      output: uriOf(output),
      ledger: success.ledger,
      counters: success.counters,
      parts: success.parts,
      quarantine: success.quarantine,
      badRecords,
      left: plan.left,
      elapsedMs: Date.now() - startMs,
    }
  } catch (error) {
    const killed = signal.aborted
    await executor.close()
    if (parents) await removeJobFolder(jobFolder, parents)
    enter(killed ? 'killed' : 'failed')
    throw killed ? signal.reason : error
  }

  /** Writes what the tasks will need into the job's folder. */
  async function stage({ opened }: JobRunSpec, plan: Plan, written: OutputSpec): Promise<JobSpec> {
    const { fs, path } = jobFolder
    if (opened.bundle !== undefined) await writeText(fs, joinPath(path, BUNDLE_FILE), opened.bundle)
    const job: JobSpec = {
      jobId: spec.jobId,
      name: opened.job.name,
      module: opened.bundle === undefined ? opened.module : uriOf({ fs, path: joinPath(path, BUNDLE_FILE) }),
      params: spec.params.given,
      jobFolder: uriOf(jobFolder),
      output: written,
      onError: options.onError,
      limits: options.limits,
    }
    await writeText(fs, joinPath(path, PLAN_FILE), `${JSON.stringify({ job, plan })}\n`)
    return job
  }

  async function runMaps(job: JobSpec, plan: Plan): Promise<TaskReport[]> {
    const tasks = plan.splits.map(
      (split, index): MapTaskSpec => ({ kind: 'map', job, taskId: mapTaskId(index), attempt: 0, split }),
    )
    const progress = new StageProgress(plan, tasks.length)
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
    reports: TaskReport[],
    ledger: Ledger,
  ): Promise<SuccessFile> {
    const joined = await joinParts(reports, job, options.partBytes, (tasks) => runTasks(tasks, {}))
    const { parts, quarantine } = joined
    if (options.duplicateKeys === 'refuse' && joined.duplicateKeys > 0) {
      throw new KeyError(
        `Cannot write ${uriOf(output)}: two records have the key ${JSON.stringify(joined.firstDuplicate)}; give inputs whose keys differ`,
      )
    }
    const written = parts.reduce((sum, part) => sum + part.records, 0)
    const setAside = quarantine.reduce((sum, part) => sum + part.records, 0)
    checkLedger({ ...ledger, written }, `job ${spec.jobId}`, plan.records)
    if (setAside !== ledger.quarantined) {
      checkLedger({ ...ledger, quarantined: setAside }, `the quarantine of job ${spec.jobId}`)
    }
    const success: SuccessFile = {
      format: 1,
      jobId: spec.jobId,
      job: spec.opened.job.name,
      params: spec.params.complete,
      version: spec.version,
      inputs: [...spec.inputs],
      ledger: { ...ledger, written },
      counters: {
        bytesIn: reports.reduce((sum, report) => sum + report.bytesIn, 0),
        bytesOut: parts.reduce((sum, part) => sum + part.bytes, 0),
        duplicateKeys: joined.duplicateKeys,
      },
      ...job.output,
      partitioning: joined.partitioning,
      parts,
      quarantine,
    }
    await assembleOutput(jobFolder, joined, job, success)
    signal.throwIfAborted()
    await publishOutput(output, jobFolder.path, spec.jobId, options.overwrite)
    await removeJobFolder(jobFolder, [])
    return success
  }
}

/** Sums what running and finished tasks tell. */
class StageProgress {
  readonly badRecords: BadRecord[] = []
  private readonly running = new Map<string, TaskProgress>()
  private done = { read: 0, bytesIn: 0, bad: 0, tasks: 0 }

  constructor(
    private readonly plan: Plan,
    private readonly tasks: number,
  ) {}

  update(task: TaskProgress): void {
    this.running.set(task.taskId, task)
  }

  finish({ taskId, ledger, bytesIn, badRecords }: TaskReport): void {
    this.running.delete(taskId)
    this.done.read += ledger.read
    this.done.bytesIn += bytesIn
    this.done.bad += ledger.quarantined + ledger.skipped
    this.done.tasks++
    this.badRecords.push(...badRecords)
  }

  get bad(): number {
    return this.sum('bad')
  }

  event(): JobEvent {
    return {
      type: 'progress',
      read: this.sum('read'),
      records: this.plan.records,
      bytesIn: this.sum('bytesIn'),
      bytes: this.plan.bytes,
      bad: this.bad,
      tasksDone: this.done.tasks,
      tasks: this.tasks,
    }
  }

  private sum(what: 'read' | 'bytesIn' | 'bad'): number {
    let sum = this.done[what]
    for (const task of this.running.values()) sum += task[what]
    return sum
  }
}
