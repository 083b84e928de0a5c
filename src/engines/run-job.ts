import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { JobDefinitionError, KilledError, UsageError } from '../errors.js'
import { type Location, resolveUri, uriOf } from '../fs/resolve.js'
import type { JobEvent, JobResult } from '../mapreduce/driver/events.js'
import { jobResult } from '../mapreduce/driver/job-result.js'
import { driveJob } from '../mapreduce/driver/job-run.js'
import { type OpenedJob, openJob } from '../mapreduce/driver/open-job.js'
import { type Isolation, type RunOptions, resolveOptions } from '../mapreduce/driver/options.js'
import { defaultOutput } from '../mapreduce/driver/output-specs.js'
import { findEarlier, removeLeftovers } from '../mapreduce/driver/resume.js'
import { historyFolder } from '../mapreduce/history/history-folder.js'
import { type Job, parseParams } from '../mapreduce/job.js'
import type { SuccessFile } from '../mapreduce/output/success-file.js'
import { jobFolderOf } from '../mapreduce/task/layout.js'
import { isLoadingModule } from '../mapreduce/task/loader.js'
import type { TaskExecutor } from '../mapreduce/task/task.js'
import { packageRoot, packageVersion } from '../package-root.js'
import { LocalExecutor } from './local/local-executor.js'
import { ProcessExecutor } from './local/process-executor.js'

/** A job that is running. */
export interface JobHandle {
  readonly jobId: string
  /** URI of the output to come. */
  readonly output: string
  /** Settles when the job has ended and cleaned up: with its result, or with what ended it. */
  readonly done: Promise<JobResult>
  /** What the job tells, from now on until it ends. */
  readonly progress: AsyncIterable<JobEvent>
  /** Ends the job; `done` rejects with a KilledError once nothing of it is left. */
  kill(reason?: string): void
}

/**
 * Runs a job to its end on the threads of this process.
 *
 * @param job what defineJob returned, the name of a built-in job, or the path of a module that exports one.
 * @throws UsageError before any work: unknown job, wrong params, missing input, existing output.
 * @throws BadRecordsError, TaskFailedError, LedgerError, KilledError; no output is left then.
 */
export async function runJob<P extends Job | string>(job: P, options: RunOptions): Promise<JobResult> {
  return (await submitJob(job, options)).done
}

/** Starts a job and returns at once; see {@link runJob}. */
export async function submitJob(job: Job | string, options: RunOptions): Promise<JobHandle> {
  refuseWhileLoading()
  return await submitOpenedJob(await openJob(job), options)
}

/** @throws JobDefinitionError when a job's module runs jobs itself: loading it would never end. */
export function refuseWhileLoading(): void {
  if (!isLoadingModule()) return
  throw new JobDefinitionError(
    'Cannot run a job while its module is being loaded: put the job in a file of its own, apart from the script that runs it',
  )
}

/**
 * The same, for a job that was opened already.
 * @param started threads that were started beforehand, to be ready sooner; the job ends them
 */
export async function submitOpenedJob(
  opened: OpenedJob,
  options: RunOptions,
  started?: LocalExecutor,
): Promise<JobHandle> {
  const { job } = opened
  const inputs = typeof options.input === 'string' ? [options.input] : options.input
  if (inputs.length === 0) throw new UsageError(`Cannot run ${job.name}: no input is given`)
  const params = { given: options.params ?? {}, complete: parseParams(job, options.params) }
  const resolved = resolveOptions(options)
  const history = historyFolder(options.historyDir)
  const output = resolveUri(options.output ?? defaultOutput(inputs, job.name))
  const identity = { job: job.name, params: params.complete, inputs, version: opened.version }
  const earlier = options.resume ? await findEarlier(output, identity) : undefined
  if (earlier?.kind === 'finished') {
    await started?.close()
    return finishedJob(output, earlier.success)
  }
  const jobId = earlier?.stored.job.jobId ?? newJobId()
  const executor = openExecutor(resolved.isolation, options, started)

  const events = new EventLog<JobEvent>()
  const kill = new AbortController()
  const signal = options.signal ? AbortSignal.any([kill.signal, options.signal]) : kill.signal
  const done = driveJob(
    {
      jobId,
      opened,
      params,
      inputs,
      output,
      jobFolder: earlier?.jobFolder ?? jobFolderOf(output, jobId),
      options: earlier?.stored.options ?? resolved,
      version: versions(opened),
      history,
      ...(earlier ? { earlier: earlier.stored } : {}),
    },
    executor,
    signal,
    (event) => events.push(event),
  ).finally(async () => {
    events.end()
    await executor.close()
  })
  // A caller who only follows `progress` must not be ended by the failure that it is about to read of.
  done.catch(() => {})
  return {
    jobId,
    output: options.output ?? output.path,
    done,
    progress: events,
    kill: (reason = 'it was asked to') =>
      kill.abort(new KilledError(`Cannot go on with ${jobId}: ${reason}`)),
  }
}

/** A job that an earlier run has finished. */
async function finishedJob(output: Location, success: SuccessFile): Promise<JobHandle> {
  await removeLeftovers(output, success.jobId)
  const progress = new EventLog<JobEvent>()
  progress.push({ type: 'state', state: 'succeeded' })
  progress.end()
  return {
    jobId: success.jobId,
    output: uriOf(output),
    done: Promise.resolve(jobResult(output, success, Date.now())),
    progress,
    kill() {},
  }
}

function openExecutor(isolation: Isolation, options: RunOptions, started?: LocalExecutor): TaskExecutor {
  const slots = options.workers ?? availableParallelism()
  const memoryBytes = options.memoryBytes ?? Math.floor(machineMemory() / 2)
  if (isolation === 'process') return new ProcessExecutor(slots, memoryBytes)
  const executor = started ?? new LocalExecutor(slots)
  executor.setMemory(memoryBytes)
  return executor
}

/** What a container allows where it allows less than the machine has; without a limit it says 2^64. */
export function machineMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || totalmem())
}

/** Sorts by time, to the millisecond; two drivers in one differ. */
function newJobId(): string {
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 17)
  return `job_${time}_${randomBytes(3).toString('hex')}`
}

export function versions(opened: OpenedJob): {
  pixelreduce: string
  node: string
  sharp: string
  job: string
} {
  // Read, not loaded: libvips has no business on the thread that only drives.
  const sharp = createRequire(join(packageRoot(), 'package.json')).resolve('sharp')
  const folder = sharp.slice(0, sharp.lastIndexOf('sharp') + 'sharp'.length)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { pixelreduce: packageVersion(), node: process.versions.node, sharp: version, job: opened.version }
}

/** Events for one reader, who may come late or be slow. */
class EventLog<T extends { type: string }> implements AsyncIterable<T> {
  private readonly waiting: T[] = []
  private ended = false
  private wake: (() => void) | undefined

  push(event: T): void {
    // Of progress only the newest counts, so that for a reader who never comes a few events a task are kept.
    if (event.type === 'progress' && this.waiting.at(-1)?.type === 'progress') this.waiting.pop()
    this.waiting.push(event)
    this.wake?.()
  }

  end(): void {
    this.ended = true
    this.wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      while (this.waiting.length > 0) yield this.waiting.shift()!
      if (this.ended) return
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }
}
