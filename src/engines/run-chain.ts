import { PixelreduceError, UsageError } from '../errors.js'
import { resolveUri, uriOf } from '../fs/resolve.js'
import { makeChainFolder, removeDeadChains, stepFolder } from '../mapreduce/driver/chain-folder.js'
import type { JobResult } from '../mapreduce/driver/events.js'
import { openJob } from '../mapreduce/driver/open-job.js'
import { type RunOptions, resolveOptions } from '../mapreduce/driver/options.js'
import { checkOutputSpecs, defaultOutput, removeJobFolder } from '../mapreduce/driver/output-specs.js'
import { type Job, parseParams } from '../mapreduce/job.js'
import { refuseWhileLoading, runJob } from './run-job.js'

/** A job of a chain, and how it is run. */
export interface ChainStep extends Omit<RunOptions, 'input' | 'output' | 'overwrite' | 'resume' | 'signal'> {
  /** As {@link runJob} takes it. */
  job: Job | string
}

export interface ChainOptions extends Pick<RunOptions, 'overwrite' | 'signal'> {
  /** URIs of the input of the first job. */
  input: string | readonly string[]
  /** URI of the last job's output. @default `<input>.<last job>` beside the only input */
  output?: string
}

/**
 * Runs jobs one after the other, each on the output of the one before. What lies between them is in a
 * hidden folder beside the last output, and goes as soon as it has been read, also when a job fails; what a
 * chain has left that was killed goes with the next one that has this output. A record set aside by one of
 * the first jobs is told in its result, and still lies in the input.
 *
 * @returns what each job was; of all but the last the output is gone.
 * @throws UsageError before any work: unknown job, wrong params, existing output.
 * @throws whatever ended the job that failed; no output is left then.
 */
export async function runChain(steps: readonly ChainStep[], options: ChainOptions): Promise<JobResult[]> {
  refuseWhileLoading()
  const last = await checkSteps(steps)
  const inputs = typeof options.input === 'string' ? [options.input] : options.input
  const output = resolveUri(options.output ?? defaultOutput(inputs, last))
  await removeDeadChains(output).catch((error) => {
    // What another chain has left is no reason not to run this one.
    if (!(error instanceof PixelreduceError)) throw error
  })
  await checkOutputSpecs(output, inputs, options.overwrite ?? false)

  const { folder, parents } = await makeChainFolder(
    output,
    steps.some(({ engine }) => engine === 'cluster'),
  )
  const results: JobResult[] = []
  try {
    let input = inputs
    for (const [index, { job, ...run }] of steps.entries()) {
      const isLast = index === steps.length - 1
      const target = isLast ? output : stepFolder(folder, index)
      results.push(
        await runJob(job, {
          ...run,
          input,
          output: uriOf(target),
          overwrite: isLast && (options.overwrite ?? false),
          ...(options.signal ? { signal: options.signal } : {}),
        }),
      )
      if (index > 0) await folder.fs.delete(stepFolder(folder, index - 1).path, { recursive: true })
      input = [uriOf(target)]
    }
  } finally {
    await removeJobFolder(folder, results.length === steps.length ? [] : parents)
  }
  return results
}

/** @returns the name of the last job */
async function checkSteps(steps: readonly ChainStep[]): Promise<string> {
  let last: string | undefined
  for (const { job: given, params, ...run } of steps) {
    const { job } = await openJob(given)
    parseParams(job, params)
    resolveOptions({ ...run, input: [] })
    last = job.name
  }
  if (last === undefined) throw new UsageError('Cannot run a chain: it has no jobs')
  return last
}
