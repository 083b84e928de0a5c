import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import type { JobHandle } from '../engines/job-handle.js'
import type { LocalExecutor } from '../engines/local/local-executor.js'
import { submitOpenedJob } from '../engines/run-job.js'
import { UsageError } from '../errors.js'
import { builtInJobs, type OpenedJob, openJob } from '../mapreduce/driver/open-job.js'
import type { Job } from '../mapreduce/job.js'
import { packageVersion } from '../package-root.js'
import { runCommand } from './exit.js'
import { addFileSystemOptions, applyFileSystemOptions } from './file-system-options.js'
import { followJob } from './follow-job.js'
import { givenParams, paramOptions } from './job-flags.js'
import { quoted } from './replay-line.js'
import { addRunOptions, runOptions } from './run-options.js'

const USAGE = `Usage: run-job JOB --input URI... [--output URI] [the job's own flags] [run flags]

Runs a job over pictures and writes indexed Hadoop MapFiles.

  JOB             a built-in job, or the path of a .ts or .js file that exports one
  --list          the built-in jobs
  JOB --help      the flags of a job
  --version

Examples:
  run-job thumbnail --input photos --output out/thumbnails
  run-job binarize --input scans.map --output out/bw --workers 4
  run-job ./grey.ts --input photos --quality 90
`

const TEXT_INPUTS = 'folder of text files, text file, glob or job output of text'

/** What `--input` takes. */
const INPUTS: Record<Job['input']['kind'], string> = {
  pictures: 'folder of pictures, picture, glob, MapFile, SequenceFile or job output',
  text: TEXT_INPUTS,
  'key-value-text': TEXT_INPUTS,
  records: 'MapFile, SequenceFile, folder of them, glob or job output',
}

/**
 * The command `run-job`.
 * @param started the threads that `start.ts` has started already
 */
export function main(args: string[], started?: LocalExecutor): Promise<void> {
  return runCommand('run-job', async (signal) => {
    try {
      return await runArguments(args, signal, started)
    } finally {
      // A thread that is just opening a native library must not meet the end of the process.
      await started?.close()
    }
  })
}

async function runArguments(
  args: string[],
  signal: AbortSignal,
  started: LocalExecutor | undefined,
): Promise<number> {
  const [first] = args
  if (first === undefined || first === '--help' || first === '-h') {
    process.stdout.write(USAGE)
    return first === undefined ? 2 : 0
  }
  if (first === '--version') return print(packageVersion())
  if (first === '--list') return list(args.includes('--json'))
  if (first.startsWith('-')) {
    throw new UsageError(`Cannot run ${first}: the job comes first, as in "run-job thumbnail --input photos"`)
  }
  const opened = await openJob(first)
  return runParsed(opened, jobCommand(first, opened, args.slice(1)), signal, started)
}

/** The command line of a job, parsed. */
export function jobCommand(name: string, opened: OpenedJob, args: string[]): Command {
  const command = new Command(`run-job ${name}`)
    .description(opened.job.description)
    .usage('--input URI... [--output URI] [options]')
    .helpOption('-h, --help', 'this text')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'run-job: ')) })
    .showHelpAfterError(`Try "run-job ${name} --help".`)
    .allowExcessArguments(false)
    .optionsGroup('Input and output:')
    .option('-i, --input <uris...>', INPUTS[opened.job.input.kind])
    .option('-o, --output <uri>', `folder to make (default: <input>.${opened.job.name})`)
    .optionsGroup(`Params of ${opened.job.name}:`)
  for (const option of paramOptions(opened.job)) command.addOption(option)
  addRunOptions(command)
  addFileSystemOptions(command)
  command.addHelpText(
    'after',
    `
Examples:
  run-job ${name} --input photos --output out/${opened.job.name}
  run-job ${name} --input photos scans.map --output out/both --workers 4 --json

Exit codes: 0 done, 1 failed, 2 usage, 3 done with records quarantined, 130 and 143 on signals.`,
  )
  return command.parse(args, { from: 'user' })
}

async function runParsed(
  opened: OpenedJob,
  command: Command,
  signal: AbortSignal,
  started: LocalExecutor | undefined,
): Promise<number> {
  const values = command.opts() as Record<string, unknown> & { input?: string[]; output?: string }
  applyFileSystemOptions(values)
  if (!values.input) {
    throw new UsageError(
      `Cannot run ${opened.job.name}: no --input is given; it names a ${INPUTS[opened.job.input.kind]}`,
    )
  }
  const options = {
    ...runOptions(values),
    input: values.input,
    ...(values.output === undefined ? {} : { output: values.output }),
    params: paramsOf(opened, command),
    signal,
  }
  if (values.explain) {
    const { explainJob } = await import('../engines/explain-job.js')
    const { printExplanation } = await import('./explain.js')
    return printExplanation(await explainJob(opened, options), values.json === true)
  }
  if (values.detach && options.engine !== 'cluster') {
    throw new UsageError('Cannot detach: a job that runs on this machine ends with this command; say --redis')
  }
  // Threads were started for the workers that the command line showed at a glance.
  const handle = await submitOpenedJob(
    opened,
    options,
    started?.slots === (options.workers ?? availableParallelism()) ? started : undefined,
  )
  if (values.detach) return detached(handle, values)
  return followJob(handle, { progress: values.progress as never, json: values.json === true })
}

/** Leaves a job to its fleet. */
function detached({ jobId, output }: JobHandle, { json, redis, fleet }: Record<string, unknown>): number {
  const where = [
    ...(redis === undefined ? [] : [`--redis ${quoted(String(redis))}`]),
    ...(fleet === undefined ? [] : [`--fleet ${quoted(String(fleet))}`]),
  ]
  return print(
    json
      ? JSON.stringify({ jobId, output })
      : `${jobId}\nNext: npx pixelreduce jobs follow ${[jobId, ...where].join(' ')}`,
  )
}

/** The params that a command line gave. */
export function paramsOf({ job }: OpenedJob, command: Command): Record<string, unknown> {
  return givenParams(job, command.opts(), (param) => command.getOptionValueSource(param) === 'cli')
}

async function list(json: boolean): Promise<number> {
  const jobs = await Promise.all(builtInJobs().map((name) => openJob(name)))
  const width = Math.max(...jobs.map(({ job }) => job.name.length)) + 2
  for (const { job } of jobs) {
    print(
      json
        ? JSON.stringify({ name: job.name, description: job.description })
        : `${job.name.padEnd(width)}${job.description}`,
    )
  }
  return 0
}

function print(line: string): number {
  process.stdout.write(`${line}\n`)
  return 0
}
