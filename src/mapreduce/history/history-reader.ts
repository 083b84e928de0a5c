import { NotFoundError, UsageError } from '../../errors.js'
import { listIfThere, openIfThere } from '../../fs/exists.js'
import { baseName, joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { readText } from '../../fs/text.js'
import { HISTORY_SUFFIX, type HistoryEvent, JOB_ID, parseHistoryLine } from './history-event.js'

/** A job's history: the folder that it lies in, and the job's id. */
export interface HistoryPlace {
  folder: Location
  jobId: string
}

/** The ids of the jobs whose histories lie in a folder, the oldest first. */
export async function listJobIds(folder: Location): Promise<string[]> {
  const ids = new Set<string>()
  for (const name of await namesIn(folder)) {
    const id = name.endsWith(HISTORY_SUFFIX) ? name.slice(0, -HISTORY_SUFFIX.length) : name
    if (JOB_ID.test(id)) ids.add(id)
  }
  return [...ids].sort()
}

/**
 * The job whose id this is, or ends so.
 * @throws UsageError when there is none, or several.
 */
export async function findJobId(folder: Location, end: string): Promise<string> {
  const ids = await listJobIds(folder)
  const found = ids.includes(end) ? [end] : ids.filter((id) => id.endsWith(end))
  if (found.length === 1 && end !== '') return found[0]!
  const which =
    found.length === 0 || end === ''
      ? `${uriOf(folder)} has no history of such a job; "pixelreduce jobs list" shows those it has`
      : `the ids of ${found.length} jobs end so: ${found.slice(-3).join(', ')}`
  throw new UsageError(`Cannot find the job "${end}": ${which}`)
}

/** A job's events, in their order. @throws NotFoundError when there is no history of it. */
export async function readHistory({ folder, jobId }: HistoryPlace): Promise<HistoryEvent[]> {
  const text = await readHistoryText(folder, jobId)
  if (text === '') throw new NotFoundError(`Cannot read the history of ${jobId}: ${uriOf(folder)} has none`)
  return text.split('\n').flatMap((line) => parseHistoryLine(line) ?? [])
}

/** The first event and the last few: enough to say how a job stands, without reading all of its tasks. */
export async function readHistoryEnds({ folder, jobId }: HistoryPlace): Promise<HistoryEvent[]> {
  const source = await openIfThere({ fs: folder.fs, path: joinPath(folder.path, jobId + HISTORY_SUFFIX) })
  if (!source) return readHistory({ folder, jobId })
  await using file = source
  if (file.length <= 2 * END_BYTES) return readHistory({ folder, jobId })
  const text = async (start: number, end: number) =>
    Buffer.from(await file.read(start, end))
      .toString('utf8')
      .split('\n')
  // Each half line is passed over.
  const lines = [
    ...(await text(0, END_BYTES)).slice(0, -1),
    ...(await text(file.length - END_BYTES, file.length)).slice(1),
  ]
  const events = lines.flatMap((line) => parseHistoryLine(line) ?? [])
  const areEnough = events[0]?.type === 'submitted' && events.length > 1
  return areEnough ? events : readHistory({ folder, jobId })
}

const END_BYTES = 64 * 1024

/** The lines of a history, of the file that it is or of the batches that it still is; empty without any. */
export async function readHistoryText(folder: Location, jobId: string): Promise<string> {
  const { fs, path } = folder
  const whole = (await readText(fs, joinPath(path, jobId + HISTORY_SUFFIX))) ?? ''
  const batchFolder = { fs, path: joinPath(path, jobId) }
  const batches = (await namesIn(batchFolder)).filter((name) => name.endsWith(HISTORY_SUFFIX))
  if (batches.length === 0) return whole
  let text = whole
  for (const name of batches.sort()) {
    // One that is gone was joined with the others while we read.
    text += (await readText(fs, joinPath(batchFolder.path, name))) ?? ''
  }
  // A writer that was killed while it joined them has left both.
  return whole === '' ? text : [...new Set(text.split('\n'))].join('\n')
}

async function namesIn(folder: Location): Promise<string[]> {
  const names: string[] = []
  for await (const entry of listIfThere(folder)) names.push(baseName(entry.path))
  return names
}
