import { randomBytes } from 'node:crypto'
import { UsageError } from '../errors.js'
import { type Location, resolveUri } from '../fs/resolve.js'
import { identityOf } from '../mapreduce/driver/job-spec.js'
import type { OpenedJob } from '../mapreduce/driver/open-job.js'
import { type ResolvedOptions, type RunOptions, resolveOptions } from '../mapreduce/driver/options.js'
import { defaultOutput } from '../mapreduce/driver/output-specs.js'
import { type Earlier, findEarlier } from '../mapreduce/driver/resume.js'
import { parseParams } from '../mapreduce/job.js'
import type { SuccessFile } from '../mapreduce/output/success-file.js'
import { jobFolderOf } from '../mapreduce/task/layout.js'
import { installedVersions } from './machine.js'

/** A job with all that was said of it checked, before anything is made or begun. */
export interface PreparedJob {
  jobId: string
  inputs: readonly string[]
  params: { given: unknown; complete: unknown }
  output: Location
  jobFolder: Location
  options: ResolvedOptions
  version: SuccessFile['version']
  /** With `--resume` what an earlier run has left. */
  earlier: Earlier | undefined
}

/** @throws UsageError for what is wrong with params, options or output. */
export async function prepareJob(opened: OpenedJob, options: RunOptions): Promise<PreparedJob> {
  const { inputs, params, output, options: resolved } = checkedCall(opened, options)
  const identity = identityOf({ opened, params, inputs })
  const earlier = options.resume ? await findEarlier(output, identity) : undefined
  const unfinished = earlier?.kind === 'unfinished' ? earlier : undefined
  const jobId = unfinished?.stored.job.jobId ?? newJobId()
  return {
    jobId,
    inputs,
    params,
    output,
    jobFolder: unfinished?.jobFolder ?? jobFolderOf(output, jobId),
    options: unfinished?.stored.options ?? resolved,
    version: versions(opened),
    earlier,
  }
}

/** @throws UsageError for what is wrong with params, options or output. */
export function checkedCall(
  { job }: OpenedJob,
  options: RunOptions,
): Pick<PreparedJob, 'inputs' | 'params' | 'output' | 'options'> {
  const inputs = typeof options.input === 'string' ? [options.input] : options.input
  if (inputs.length === 0) throw new UsageError(`Cannot run ${job.name}: no input is given`)
  return {
    inputs,
    params: { given: options.params ?? {}, complete: parseParams(job, options.params) },
    options: resolveOptions(options),
    output: resolveUri(options.output ?? defaultOutput(inputs, job.name)),
  }
}

export function versions(opened: OpenedJob): SuccessFile['version'] {
  return { ...installedVersions(), job: opened.version }
}

/** Sorts by time, to the millisecond; two drivers in one differ. */
function newJobId(): string {
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 17)
  return `job_${time}_${randomBytes(3).toString('hex')}`
}
