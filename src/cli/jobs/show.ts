import { counted } from '../../mapreduce/counted.js'
import type { JobState } from '../../mapreduce/driver/job-state.js'
import type { HistoryEvent, HistoryEventOf } from '../../mapreduce/history/history-event.js'
import { type HistoryPlace, readHistory } from '../../mapreduce/history/history-reader.js'
import { endOf, type JobSummary } from '../../mapreduce/history/job-summary.js'
import { type RootCause, rootCauseOf } from '../../mapreduce/history/root-cause.js'
import { bandsInWords } from '../../mapreduce/input/picture-bands.js'
import { counterLines } from '../counter-lines.js'
import { EXIT } from '../exit.js'
import { writeLine } from '../output.js'
import { duration } from '../progress.js'
import { quoted, replayLine } from '../replay-line.js'
import { requireSubmitted } from './find-job.js'
import { localTime } from './local-time.js'

/** How a job of a fleet stands, as the fleet itself knows it. */
export interface Standing {
  state: JobState
  /** What its attempts under way are, in words. */
  running: string[]
}

/** Prints what a job was and how it ended; of a failed one the cause. @returns the exit code */
export async function showJob(place: HistoryPlace, json: boolean, standing?: Standing): Promise<number> {
  const events = await readHistory(place)
  const { summary: told, submitted } = requireSubmitted(place, events)
  const summary = standing ? { ...told, state: standing.state } : told
  const cause = rootCauseOf(events)
  const replay = cause && replayLine(submitted, cause)
  const end = endOf(events)
  if (json) {
    const { params, version, options } = submitted
    await writeLine(JSON.stringify({ ...summary, ...standing, params, version, options, cause, replay, end }))
    return EXIT.done
  }
  const lines = [
    ...headLines(summary, submitted),
    ...tasksLine(events),
    ...workerLines(events),
    ...(standing?.running ?? []).map((line) => `  running    ${line}`),
    ...endLines(end, submitted.output),
  ]
  if (cause) lines.push('', ...causeLines(cause))
  if (replay !== undefined) lines.push('', 'Replay that record:', `  ${replay}`)
  for (const line of lines) await writeLine(line)
  return EXIT.done
}

function headLines(summary: JobSummary, submitted: HistoryEventOf<'submitted'>): string[] {
  const { driver, version, client } = submitted
  return [
    `${summary.jobId}  ${summary.job}  ${summary.state}`,
    `  submitted  ${localTime(summary.submitted)} by ${client ? `${client.user} on ${client.host}, driven on ${driver.host}` : `${driver.user} on ${driver.host}`}, process ${driver.pid}`,
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
  const reduces = planned.reducers > 0 ? `, ${of('r')} of ${counted(planned.reducers, 'reduce task')}` : ''
  const failures = events.filter((event) => event.type === 'task-failed').length
  const failed = failures > 0 ? `, ${counted(failures, 'failed attempt')}` : ''
  return [`  tasks      ${of('m')} of ${counted(planned.splits, 'map task')}${reduces} done${failed}`]
}

/** Where the tasks ran, and what happened to drivers, of a job that had several of either. */
function workerLines(events: readonly HistoryEvent[]): string[] {
  const hosts = new Map<string, number>()
  for (const event of events) {
    if (event.type === 'task-finished') hosts.set(event.host, (hosts.get(event.host) ?? 0) + 1)
  }
  const killed = events.filter(({ type }) => type === 'task-killed').length
  const lost = events.flatMap((event) => (event.type === 'task-lost' ? [event] : []))
  const drivers = events.filter((event) => event.type === 'submitted')
  return [
    ...(hosts.size > 1
      ? [
          `  ran on     ${[...hosts].map(([host, tasks]) => `${host} (${counted(tasks, 'task')})`).join(', ')}`,
        ]
      : []),
    ...lost.map(({ error }) => `  lost       ${error.message}`),
    ...(killed > 0 ? [`  given up   ${counted(killed, 'attempt')} that were not needed`] : []),
    ...(drivers.length > 1
      ? [
          `  drivers    ${drivers.map(({ driver, time }) => `${driver.host}, process ${driver.pid}, from ${localTime(time)}`).join('; ')}`,
        ]
      : []),
  ]
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

function splitInWords(split: HistoryEventOf<'planned'>['tasks'][number]): string {
  const { path, start, end, length, kind } = split
  if (kind === 'picture-bands') return `${path}, ${bandsInWords(split)}`
  const isListed = kind === 'picture-files' || kind === 'text-files'
  return isListed ? `files of ${path}, ${length} bytes` : `${path}, bytes ${start} to ${end}`
}
