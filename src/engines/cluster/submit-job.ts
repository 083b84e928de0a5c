import { hostname } from 'node:os'
import { KilledError, UsageError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import { joinPath, parentOf } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import type { OpenedJob } from '../../mapreduce/driver/open-job.js'
import { outputCompression, type RunOptions } from '../../mapreduce/driver/options.js'
import {
  checkOutputSpecs,
  JOB_FOLDERS,
  makeJobFolder,
  removeJobFolder,
} from '../../mapreduce/driver/output-specs.js'
import { userName } from '../../mapreduce/history/driver-process.js'
import { historyFolder } from '../../mapreduce/history/history-folder.js'
import { rollForward } from '../../mapreduce/output/replace-output.js'
import { finishedJob, type JobHandle } from '../job-handle.js'
import { prepareJob } from '../prepared-job.js'
import { tellWorkers } from './control-message.js'
import { Fleet } from './fleet.js'
import { followJob } from './follow-job.js'
import { hasEnded, type JobRecord, readJob, registerJob, reviveJob } from './job-record.js'
import { fleetSecret } from './signature.js'
import { digestOf, FLEET_FOLDERS, type Submission, writeSubmission } from './submission.js'
import { placeOfGlob } from './visible-places.js'

/** Folder beside an output for the histories of a fleet's jobs, where nobody says another one that all see. */
const HISTORY_FOLDER = '_history'

/**
 * Hands a job to a fleet: checks what can be checked here, writes the submission into the job's folder, and tells
 * the fleet of it. The job goes on when this process ends.
 *
 * @throws UsageError for what is wrong with the job, its options or its output; ConnectionError without Redis.
 */
export async function submitToFleet(opened: OpenedJob, options: RunOptions): Promise<JobHandle> {
  const { redis: uri, fleet: name, signal } = options
  if (!uri) {
    throw new UsageError(
      `Cannot run ${opened.job.name} on a fleet: say --redis redis://host:6379, or set PIXELREDUCE_REDIS`,
    )
  }
  const { priority = 1, maxWorkers } = options
  const prepared = await prepareJob(opened, options)
  const { jobId, output, earlier, jobFolder } = prepared
  if (earlier?.kind === 'finished') return finishedJob(output, earlier.success)
  const fleet = await Fleet.connect({ redis: uri, ...(name === undefined ? {} : { fleet: name }) })
  try {
    const history = historyOf(output, options.historyDir)
    const submitted = new Date().toISOString()
    const user = userName()
    if (!earlier) {
      for (const input of prepared.inputs) {
        if (await exists(placeOfGlob(resolveUri(input)))) continue
        throw new UsageError(`Cannot read ${input}: there is no such file or folder`)
      }
      await outputCompression(prepared.options)
      if (prepared.options.retryOf === undefined) {
        await checkOutputSpecs(output, prepared.inputs, prepared.options.overwrite)
      } else await rollForward(output)
      const parents = await makeJobFolder(output, jobFolder, [...JOB_FOLDERS, ...FLEET_FOLDERS])
      const submission: Submission = {
        jobId,
        folder: uriOf(jobFolder),
        job: { name: opened.job.name, module: opened.module, version: opened.version },
        ...(opened.bundle === undefined ? {} : { bundle: digestOf(opened.bundle) }),
        ...(opened.packages ? { packages: opened.packages } : {}),
        params: prepared.params,
        inputs: prepared.inputs.map((uri) => uriOf(resolveUri(uri))),
        output: uriOf(output),
        history: uriOf(history),
        options: prepared.options,
        version: prepared.version,
        parents,
        user,
        host: hostname(),
        submitted,
        priority,
        ...(maxWorkers === undefined ? {} : { maxWorkers }),
      }
      try {
        await writeSubmission(jobFolder, submission, opened.bundle, fleetSecret())
      } catch (error) {
        await removeJobFolder(jobFolder, parents)
        throw error
      }
    }
    const record: JobRecord = {
      jobId,
      job: opened.job.name,
      folder: uriOf(jobFolder),
      output: uriOf(output),
      history: uriOf(history),
      user,
      submitted,
      state: 'submitted',
      priority,
      epoch: 0,
    }
    const known = await readJob(fleet.redis, fleet.keys, jobId)
    if (known && hasEnded(known)) await reviveJob(fleet.redis, fleet.keys, jobId)
    else await registerJob(fleet.redis, fleet.keys, record)
    await tellWorkers(fleet.redis, fleet.keys, { type: 'job', jobId })
    return watch(fleet, record, signal)
  } catch (error) {
    await fleet[Symbol.asyncDispose]()
    throw error
  }
}

/** The handle of a job that runs on a fleet. @param signal kills it */
export function watch(fleet: Fleet, record: JobRecord, signal?: AbortSignal): JobHandle {
  const { jobId } = record
  const { done, progress } = followJob(fleet, record)
  const kill = (why: string) => {
    // What has ended meanwhile need not be killed.
    fleet.kill(record, why).catch(() => {})
  }
  const onAbort = () =>
    kill(signal!.reason instanceof KilledError ? signal!.reason.message : 'its client was ended')
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()
  const ended = done.finally(async () => {
    signal?.removeEventListener('abort', onAbort)
    await fleet[Symbol.asyncDispose]()
  })
  ended.catch(() => {})
  return {
    jobId,
    output: record.output,
    done: ended,
    progress,
    kill: (why = 'it was asked to') => kill(why),
  }
}

/** Where all nodes find it: as it was asked for, else beside the output. */
function historyOf(output: Location, asked: string | undefined): Location {
  if (asked !== undefined || process.env.PIXELREDUCE_HISTORY_DIR) return historyFolder(asked)
  return { fs: output.fs, path: joinPath(parentOf(output.path), HISTORY_FOLDER) }
}
