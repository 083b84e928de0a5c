import { submitOpenedJob } from '../../engines/run-job.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { openJob } from '../../mapreduce/driver/open-job.js'
import type { RunOptions } from '../../mapreduce/driver/options.js'
import { retryOptions } from '../../mapreduce/driver/retry.js'
import { EXIT } from '../exit.js'
import { followJob } from '../follow-job.js'
import { writeLine } from '../output.js'
import { jobCommand, paramsOf } from '../run-job.js'
import { runOptions } from '../run-options.js'
import { findOutput } from './find-job.js'

interface RetryCall {
  /** The job, where its history does not tell. */
  source: string | undefined
  /** Flags of the job and of run-job, which beat those that the job was run with. */
  flags: string[]
  json: boolean
  signal: AbortSignal
}

/**
 * Runs a job again over what its output has in quarantine, and puts what comes of it into the output.
 * @param job id of a job or URI of an output
 * @returns the exit code
 */
export async function retryJob(
  folder: Location,
  job: string,
  { source, flags, json, signal }: RetryCall,
): Promise<number> {
  const { output, success, submitted } = await findOutput(folder, job)
  if (success.ledger.quarantined === 0) {
    await writeLine(
      json
        ? JSON.stringify({ output: uriOf(output), quarantined: 0 })
        : `${success.job}: nothing is set aside in ${uriOf(output)}`,
    )
    return EXIT.done
  }
  const opened = await openJob(source ?? submitted?.source ?? success.job)
  const command = jobCommand(opened.job.name, opened, flags)
  const changed = Object.entries(runOptions(command.opts())).filter(
    ([name, value]) => value !== undefined && !(name === 'limits' && Object.keys(value).length === 0),
  )
  const options: RunOptions = {
    ...(await retryOptions(output, success, opened.job, submitted)),
    ...Object.fromEntries(changed),
    params: { ...(submitted?.params.given ?? (success.params as object)), ...paramsOf(opened, command) },
    signal,
  }
  const { progress, json: asJson } = command.opts()
  return followJob(await submitOpenedJob(opened, options), {
    progress,
    json: json === true || asJson === true,
  })
}
