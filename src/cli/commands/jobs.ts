import { type Command, Option } from 'commander'
import { UsageError } from '../../errors.js'
import { historyFolder } from '../../mapreduce/history/history-folder.js'
import { addFleetOptions, givenFleet } from '../fleet-options.js'
import { findPlace } from '../jobs/find-job.js'
import { fleetJobs } from '../jobs/fleet-jobs.js'
import { killJob } from '../jobs/kill.js'
import { listJobs } from '../jobs/list.js'
import { showLogs } from '../jobs/logs.js'
import { retryJob } from '../jobs/retry.js'
import { showJob } from '../jobs/show.js'
import type { ProgressStyle } from '../progress.js'

export function define(command: Command): void {
  addFleetOptions(command)
    .argument('<what>', 'list, show, logs, follow, kill or retry')
    .argument('[job]', 'id of a job, or a unique end of it; or the URI of an output')
    .argument('[flags...]', 'of retry, after "--": flags of the job and of run-job')
    .usage('list | show JOB | logs JOB | follow JOB | kill JOB | retry --failed JOB [-- FLAGS...]')
    .option('--history-dir <uri>', "folder of the jobs' histories (default: as for run-job)")
    .addOption(
      new Option('--progress <how>', 'of follow: how progress is shown on stderr')
        .choices(['auto', 'tty', 'plain', 'json', 'none'])
        .default('auto'),
    )
    .option('--failed', 'of retry: the records that the job has set aside')
    .option('--job <job>', 'of retry: the job, where its history does not tell')
    .option('--json', 'objects instead of words')
    .addHelpText(
      'after',
      `
  list    the jobs of the history, the newest first; "lost" are those whose process is gone without an end
  show    what a job was, how it ended, and of a failed one the cause and a line that replays its record
  logs    all that happened, in order
  follow  shows how a job of a fleet gets on until it ends, and then its result; Ctrl-C leaves it running
  kill    ends a job that runs on this machine, or on the fleet
  retry   runs a job again over what it has set aside, and puts what comes of it into its output

With --redis, or PIXELREDUCE_REDIS, the jobs are those of a fleet.

Examples:
  pixelreduce jobs list
  pixelreduce jobs follow 3fa9 --redis redis://queue:6379
  pixelreduce jobs show 3fa9
  pixelreduce jobs logs 3fa9 --json
  pixelreduce jobs retry --failed out/thumbnails -- --max-pixels 500000000

Exit codes: 0 done, 1 failed, 2 usage (also no such job), 3 retried and some records failed again.`,
    )
}

export async function run(
  [what, job, ...flags]: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { historyDir, failed, job: source } = options as { historyDir?: string; failed?: true; job?: string }
  const json = options.json === true
  const address = historyDir === undefined ? givenFleet(options) : undefined
  if (address && what !== 'retry') {
    return fleetJobs(address, what!, job, { json, progress: options.progress as ProgressStyle, signal })
  }
  const folder = historyFolder(historyDir)
  if (what === 'list') return listJobs(folder, json)
  const actions: Record<string, typeof showJob> = { show: showJob, logs: showLogs, kill: killJob }
  const action = actions[what!]
  if (what === 'follow') throw new UsageError('Cannot follow a job: say --redis for the fleet that runs it')
  if (!action && what !== 'retry') {
    throw new UsageError(`Cannot do "${what}" with jobs: it must be list, show, logs, follow, kill or retry`)
  }
  if (job === undefined) {
    throw new UsageError(
      `Cannot ${what} a job: no id is given; "pixelreduce jobs list" shows those of the history`,
    )
  }
  if (action) return action(await findPlace(folder, job), json)
  if (!failed) {
    throw new UsageError(
      `Cannot retry ${job}: say --failed for the records that it has set aside; run-job --resume goes on with a job that was killed`,
    )
  }
  return retryJob(folder, job, { source, flags, json, signal })
}
