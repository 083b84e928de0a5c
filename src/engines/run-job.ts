import { availableParallelism } from 'node:os'
import { JobDefinitionError, KilledError } from '../errors.js'
import { uriOf } from '../fs/resolve.js'
import type { JobEvent, JobResult } from '../mapreduce/driver/events.js'
import { driveJob } from '../mapreduce/driver/job-run.js'
import { type OpenedJob, openJob } from '../mapreduce/driver/open-job.js'
import type { Isolation, RunOptions } from '../mapreduce/driver/options.js'
import { historyFolder } from '../mapreduce/history/history-folder.js'
import type { Job } from '../mapreduce/job.js'
import { isLoadingModule } from '../mapreduce/task/loader.js'
import type { TaskExecutor } from '../mapreduce/task/task.js'
import { EventLog } from './event-log.js'
import { finishedJob, type JobHandle } from './job-handle.js'
import { LocalExecutor } from './local/local-executor.js'
import { ProcessExecutor } from './local/process-executor.js'
import { machineMemory } from './machine.js'
import { prepareJob } from './prepared-job.js'

/**
 * Runs a job to its end, on the threads of this process or on a fleet.
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
  if (options.engine === 'cluster') {
    await started?.close()
    const { submitToFleet } = await import('./cluster/submit-job.js')
    return submitToFleet(opened, options)
  }
  const prepared = await prepareJob(opened, options)
  const { jobId, inputs, output, earlier, params } = prepared
  if (earlier?.kind === 'finished') {
    await started?.close()
    return finishedJob(output, earlier.success)
  }
  const executor = openExecutor(prepared.options.isolation, options, started)

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
      jobFolder: prepared.jobFolder,
      options: prepared.options,
      version: prepared.version,
      history: historyFolder(options.historyDir),
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
    output: uriOf(output),
    done,
    progress: events,
    kill: (reason = 'it was asked to') =>
      kill.abort(new KilledError(`Cannot go on with ${jobId}: ${reason}`)),
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
