import type { HistoryEvent, HistoryEventOf } from '../../mapreduce/history/history-event.js'
import { type HistoryPlace, readHistory } from '../../mapreduce/history/history-reader.js'
import { endOf, type JobSummary } from '../../mapreduce/history/job-summary.js'
import { type RootCause, rootCauseOf } from '../../mapreduce/history/root-cause.js'
import { counterLines } from '../counter-lines.js'
import { EXIT } from '../exit.js'
import { writeLine } from '../output.js'
import { duration } from '../progress.js'
import { quoted, replayLine } from '../replay-line.js'
import { requireSubmitted } from './find-job.js'
import { localTime } from './local-time.js'

/** Prints what a job was and how it ended; of a failed one the cause. @returns the exit code */
export async function showJob(place: HistoryPlace, json: boolean): Promise<number> {
  const events = await readHistory(place)
  const { summary, submitted } = requireSubmitted(place, events)
  const cause = rootCauseOf(events)
  const replay = cause && replayLine(submitted, cause)
  const end = endOf(events)
  if (json) {
    const { params, version, options } = submitted
    await writeLine(JSON.stringify({ ...summary, params, version, options, cause, replay, end }))
    return EXIT.done
  }
  const lines = [...headLines(summary, submitted), ...tasksLine(events), ...endLines(end, submitted.output)]
  if (cause) lines.push('', ...causeLines(cause))
  if (replay !== undefined) lines.push('', 'Replay that record:', `  ${replay}`)
  for (const line of lines) await writeLine(line)
  return EXIT.done
}

function headLines(summary: JobSummary, submitted: HistoryEventOf<'submitted'>): string[] {
  const { driver, version } = submitted
  return [
    `${summary.jobId}  ${summary.job}  ${summary.state}`,
    `  submitted  ${localTime(summary.submitted)} by ${driver.user} on ${driver.host}, process ${driver.pid}`,
    `  took       ${duration(summary.elapsedMs / 1000)}${summary.ended ? '' : ' so far'}`,
    ...submitted.inputs.map((uri) => `  input      ${uri}`),
    `  output     ${submitted.output}`,
    `  params     ${JSON.stringify(submitted.params.complete)}`,
    `  version    pixelreduce ${version.pixelreduce}, node ${version.node}, sharp ${version.sharp}; the job's code ${version.job}`,
  ]
}

function tasksLine(events: readonly HistoryEvent[]): string[] {
  const planned = events.findLast((event) => event.type === 'planned')
  if (!planned) return []
  const done = events.filter((event) => event.type === 'task-finished')
  const of = (kind: string) =>
    new Set(done.map(({ taskId }) => taskId).filter((id) => id.startsWith(kind))).size
  const reduces = planned.reducers > 0 ? `, ${of('r')} of ${planned.reducers} reduce tasks` : ''
  const failures = events.filter((event) => event.type === 'task-failed').length
  const failed = failures > 0 ? `, ${failures} failed ${failures === 1 ? 'attempt' : 'attempts'}` : ''
  return [`  tasks      ${of('m')} of ${planned.splits} map tasks${reduces} done${failed}`]
}

function endLines(end: ReturnType<typeof endOf>, output: string): string[] {
  if (!end) return []
  if (end.type !== 'succeeded') return [`  why        ${end.error.message}`]
  const { read, written, quarantined, filtered, skipped } = end.ledger
  const fates = `${read} in, ${written} out, ${quarantined} quarantined, ${filtered} filtered, ${skipped} skipped`
  const next = quarantined > 0 ? [`Next: npx pixelreduce jobs retry --failed ${quoted(output)}`] : []
  return [`  records    ${fates}`, ...counterLines(end.counterGroups), ...next]
}

function causeLines({
  message,
  operation,
  key,
  split,
  taskId,
  attempt = 0,
  host,
  stack,
}: RootCause): string[] {
  const where = host === undefined ? '' : ` on ${host}`
  return [
    `Root cause: ${message}`,
    `  operation  ${operation}`,
    ...(key === undefined ? [] : [`  record     ${key}`]),
    ...(split ? [`  split      ${splitInWords(split)}`] : []),
    ...(taskId === undefined ? [] : [`  attempt    ${attempt} of task ${taskId}${where}`]),
    ...(stack === undefined ? [] : stack.split('\n').map((line) => `  ${line}`)),
  ]
}

function splitInWords({
  path,
  start,
  end,
  length,
  kind,
}: HistoryEventOf<'planned'>['tasks'][number]): string {
  const isListed = kind === 'picture-files' || kind === 'text-files'
  return isListed ? `files of ${path}, ${length} bytes` : `${path}, bytes ${start} to ${end}`
}
