import { NotFoundError, UsageError } from '../../errors.js'
import { exists, ifThere } from '../../fs/exists.js'
import { joinPath } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import type { HistoryEvent, HistoryEventOf } from '../../mapreduce/history/history-event.js'
import {
  findJobId,
  type HistoryPlace,
  listJobIds,
  readHistory,
} from '../../mapreduce/history/history-reader.js'
import { type JobSummary, summarize } from '../../mapreduce/history/job-summary.js'
import { readSuccess, type SuccessFile } from '../../mapreduce/output/success-file.js'
import { historyCopies, SUCCESS_FILE } from '../../mapreduce/task/layout.js'

/** A job by the end of its id, or by its output. */
export async function findPlace(folder: Location, job: string): Promise<HistoryPlace> {
  const ids = (await listJobIds(folder)).filter((id) => id.endsWith(job))
  if (ids.length === 0) {
    const output = resolveUri(job)
    const success = await ifThere(readSuccess(output))
    if (success) return { folder: historyCopies(output), jobId: success.jobId }
  }
  return { folder, jobId: await findJobId(folder, job) }
}

/** An output and the history of the job that made it, from either. */
export async function findOutput(
  folder: Location,
  job: string,
): Promise<{ output: Location; success: SuccessFile; submitted: HistoryEventOf<'submitted'> | undefined }> {
  const given = resolveUri(job)
  const isOutput = await exists({ fs: given.fs, path: joinPath(given.path, SUCCESS_FILE) })
  const output = isOutput ? given : await outputOf(folder, job)
  const success = await readSuccess(output)
  if (!success) {
    throw new UsageError(`Cannot retry ${job}: ${uriOf(output)} is no output of a job that has succeeded`)
  }
  // That of the first job, which the others have put their records into.
  const places = [
    success.retries?.length ? undefined : success.jobId,
    ...(await listJobIds(historyCopies(output))),
  ]
  for (const jobId of places) {
    if (jobId === undefined) continue
    for (const each of [historyCopies(output), folder]) {
      const events = await ifThere(readHistory({ folder: each, jobId }))
      const submitted = events?.findLast((event) => event.type === 'submitted')
      if (submitted && submitted.options.retryOf === undefined) return { output, success, submitted }
    }
  }
  return { output, success, submitted: undefined }
}

async function outputOf(folder: Location, job: string): Promise<Location> {
  const place = await findPlace(folder, job)
  const { submitted } = requireSubmitted(place, await readHistory(place))
  return resolveUri(submitted.output)
}

/** @throws NotFoundError when the history has lost its beginning. */
export function requireSubmitted(
  { folder, jobId }: HistoryPlace,
  events: readonly HistoryEvent[],
): { summary: JobSummary; submitted: HistoryEventOf<'submitted'> } {
  const summary = summarize(events, new Date())
  const submitted = events.findLast((event) => event.type === 'submitted')
  if (summary && submitted) return { summary, submitted }
  throw new NotFoundError(
    `Cannot read the history of ${jobId} in ${uriOf(folder)}: its first line is missing`,
  )
}
