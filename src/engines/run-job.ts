import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { JobDefinitionError, KilledError, UsageError } from '../errors.js'
import { resolveUri } from '../fs/resolve.js'
import type { JobEvent, JobResult } from '../mapreduce/driver/events.js'
import { driveJob } from '../mapreduce/driver/job-run.js'
import { type OpenedJob, openJob } from '../mapreduce/driver/open-job.js'
import { type RunOptions, resolveOptions } from '../mapreduce/driver/options.js'
import { defaultOutput } from '../mapreduce/driver/output-specs.js'
import { type Job, parseParams } from '../mapreduce/job.js'
import { jobFolderOf } from '../mapreduce/task/layout.js'
import { isLoadingModule } from '../mapreduce/task/loader.js'
import { packageRoot, packageVersion } from '../package-root.js'
import { LocalExecutor } from './local/local-executor.js'

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
  if (isLoadingModule()) {
    throw new JobDefinitionError(
      'Cannot run a job while its module is being loaded: put the job in a file of its own, apart from the script that runs it',
    )
  }
  return submitOpenedJob(await openJob(job), options)
}

/**
 * The same, for a job that was opened already.
 * @param started threads that were started beforehand, to be ready sooner; the job ends them
 */
export function submitOpenedJob(opened: OpenedJob, options: RunOptions, started?: LocalExecutor): JobHandle {
  const { job } = opened
  const inputs = typeof options.input === 'string' ? [options.input] : options.input
  if (inputs.length === 0) throw new UsageError(`Cannot run ${job.name}: no input is given`)
  const params = { given: options.params ?? {}, complete: parseParams(job, options.params) }
  const resolved = resolveOptions(options)
  const jobId = newJobId()
  const output = resolveUri(options.output ?? defaultOutput(inputs, job.name))
  const executor = started ?? new LocalExecutor(options.workers ?? availableParallelism())
  executor.setMemory(options.memoryBytes ?? Math.floor(machineMemory() / 2))

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
      jobFolder: jobFolderOf(output, jobId),
      options: resolved,
      version: versions(opened),
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

/** What a container allows where it allows less than the machine has; without a limit it says 2^64. */
function machineMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || totalmem())
}

/** Sorts by time, and two drivers in one second differ. */
function newJobId(): string {
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
  return `job_${time}_${randomBytes(3).toString('hex')}`
}

function versions(opened: OpenedJob): { pixelreduce: string; node: string; sharp: string; job: string } {
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
    // Of progress only the newest counts, so that a reader who never comes costs nothing.
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
