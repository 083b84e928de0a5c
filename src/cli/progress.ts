import prettyBytes from 'pretty-bytes'
import { describeError } from '../errors.js'
import { counted } from '../mapreduce/counted.js'
import type { JobEvent } from '../mapreduce/driver/events.js'

export type ProgressStyle = 'auto' | 'tty' | 'plain' | 'json' | 'none'

/** What the records of an input are called. */
const NAMES = {
  pictures: { one: 'picture', many: 'pictures' },
  text: { one: 'line', many: 'lines' },
  'key-value-text': { one: 'line', many: 'lines' },
  records: { one: 'record', many: 'records' },
} as const

const TTY_EVERY_MS = 100
const PLAIN_EVERY_MS = 10_000

/** Shows on stderr what a job tells, until it ends. */
export async function showProgress(events: AsyncIterable<JobEvent>, style: ProgressStyle): Promise<void> {
  const how = style === 'auto' ? (process.stderr.isTTY ? 'tty' : 'plain') : style
  const write = (text: string) => process.stderr.write(text)
  if (how === 'none') {
    for await (const _ of events);
    return
  }
  if (how === 'json') {
    for await (const event of events) write(`${JSON.stringify(event, withoutTasks)}\n`)
    return
  }
  const everyMs = how === 'tty' ? TTY_EVERY_MS : PLAIN_EVERY_MS
  const startMs = Date.now()
  let shownMs = how === 'tty' ? 0 : startMs
  let last: string | undefined
  let reducers = 0
  let things = 'records'
  const show = (line: string) => write(how === 'tty' ? `\r\x1b[K${line}` : `${line}\n`)
  for await (const event of events) {
    switch (event.type) {
      case 'planned': {
        reducers = event.reducers
        things = NAMES[event.input].many
        show(plannedLine(event))
        if (how === 'tty') write('\n')
        break
      }
      case 'progress': {
        last = progressLine(event, things, reducers, Date.now() - startMs)
        if (Date.now() - shownMs < everyMs && event.tasksDone < event.tasks) break
        shownMs = Date.now()
        show(last)
        break
      }
      case 'waiting': {
        show(`waiting: ${event.why}`)
        if (how === 'tty') write('\n')
        break
      }
      case 'task-failed': {
        const what = event.again ? 'trying again' : 'giving up'
        show(
          `task ${event.taskId} failed in attempt ${event.attempt}, ${what}: ${describeError(event.error)}`,
        )
        if (how === 'tty') write('\n')
        break
      }
      case 'task-speculated': {
        show(`task ${event.taskId} is slow: attempt ${event.attempt} runs beside it, the first one wins`)
        if (how === 'tty') write('\n')
        break
      }
      case 'no-progress': {
        show(quietLine(event))
        if (how === 'tty') write('\n')
        break
      }
      case 'left-behind': {
        show(`could not clean up ${event.uri}: ${describeError(event.error)}`)
        if (how === 'tty') write('\n')
        break
      }
      case 'history-failed': {
        show(`could not write the job's history to ${event.uri}: ${describeError(event.error)}`)
        if (how === 'tty') write('\n')
        break
      }
      case 'state':
        if (event.state === 'committing' && last) show(`${last}  committing`)
    }
  }
  if (how === 'tty' && last) write('\n')
}

function quietLine({ quietMs, running }: Extract<JobEvent, { type: 'no-progress' }>): string {
  const tasks = running.map(({ taskId, attempt, running: records }) => {
    const at = records.length > 0 ? ` at ${records.map(({ key }) => key).join(', ')}` : ''
    return `${taskId} (attempt ${attempt})${at}`
  })
  return `no progress for ${duration(quietMs / 1000)}; running: ${tasks.join('; ') || 'nothing'}`
}

/** What each of thousands of tasks reads is for the history. */
function withoutTasks(name: string, value: unknown): unknown {
  return name === 'tasks' && Array.isArray(value) ? undefined : value
}

function plannedLine(event: Extract<JobEvent, { type: 'planned' }>): string {
  const { one, many } = NAMES[event.input]
  const records = event.records === undefined ? many : counted(event.records, one, many)
  const left = Object.values(event.left).reduce((sum, count) => sum + count, 0)
  const reduces = event.reducers > 0 ? `, ${counted(event.reducers, 'reduce task')}` : ''
  const others = left > 0 ? `, ${counted(left, 'file')} of other kinds left` : ''
  return `planned: ${records}, ${prettyBytes(event.bytes)}, ${counted(event.splits, 'map task')}${reduces}${others}`
}

function progressLine(
  event: Extract<JobEvent, { type: 'progress' }>,
  things: string,
  reducers: number,
  elapsedMs: number,
): string {
  const share = event.records ? event.read / event.records : event.bytes ? event.bytesIn / event.bytes : 1
  const rate = event.read / (elapsedMs / 1000)
  const of = event.records === undefined ? '' : `/${event.records}`
  const leftSeconds = share > 0 && share < 1 ? ((elapsedMs / 1000) * (1 - share)) / share : 0
  const isReduce = event.stage === 'reduce'
  const parts = [
    `map ${percent(isReduce ? 1 : share)}`,
    ...(reducers > 0 ? [`reduce ${percent(isReduce ? share : 0)}`] : []),
    `${event.read}${of} ${isReduce ? 'records' : things}`,
    `${rate.toFixed(rate < 10 ? 1 : 0)}/s`,
  ]
  if (leftSeconds >= 1) parts.push(`${duration(leftSeconds)} left`)
  if (event.bad > 0) parts.push(`${event.bad} bad`)
  return parts.join('  ')
}

function percent(share: number): string {
  return `${String(Math.floor(Math.min(1, share) * 100)).padStart(3)}%`
}

/** 4 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${seconds < 10 ? seconds.toFixed(1) : whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
