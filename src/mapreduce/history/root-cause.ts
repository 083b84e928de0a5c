import type { ErrorJson } from '../../errors.js'
import type { InputSplit } from '../input/input-format.js'
import type { HistoryEvent, HistoryEventOf } from './history-event.js'

/** What ended a job. */
export interface RootCause {
  /** Of all errors in the chain the one that says what was wrong. */
  message: string
  /** What was being done: a kind of task, or the state in which the job was. */
  operation: string
  /** The record, as messages call it, where one is known. */
  key?: string
  isReduce: boolean
  taskId?: string
  attempt?: number
  host?: string
  /** What the task read. */
  split?: InputSplit
  /** Of the first error in the chain. */
  stack?: string
}

/** Errors that stand around the one that says what was wrong. */
const AROUND = new Set(['TASK_FAILED', 'INTERNAL', 'BAD_RECORDS'])

const OPERATIONS: Record<string, string> = { m: 'map', r: 'reduce', j: 'join', s: 'sample' }

/** Undefined for a job that has not failed. */
export function rootCauseOf(events: readonly HistoryEvent[]): RootCause | undefined {
  const failed = events.findLast((event) => event.type === 'failed')
  if (!failed) return undefined
  const chain = chainOf(failed.error)
  const told = chain.find(({ code }) => !AROUND.has(code)) ?? chain.at(-1)!
  const detail = (name: string) => chain.find(({ details }) => details?.[name] !== undefined)?.details?.[name]
  const failure = events.findLast((event) => event.type === 'task-failed' && !event.again) as
    | HistoryEventOf<'task-failed'>
    | undefined
  const key = detail('key')
  const taskId = failure?.taskId ?? (detail('task') as string | undefined)
  const attempt = failure?.attempt ?? attemptOf(events, taskId)
  const started = events.findLast(
    (event) => event.type === 'task-started' && event.taskId === taskId && event.attempt === attempt,
  ) as HistoryEventOf<'task-started'> | undefined
  const split = splitOf(events, taskId)
  const stack = chain.findLast((error) => error.stack)?.stack
  return {
    message: told.message,
    operation: (taskId && OPERATIONS[taskId[0]!]) || stateOf(events),
    isReduce: taskId?.startsWith('r') ?? false,
    ...(key === undefined ? {} : { key: String(key) }),
    ...(taskId === undefined ? {} : { taskId }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(started ? { host: started.host } : {}),
    ...(split ? { split } : {}),
    ...(stack === undefined ? {} : { stack }),
  }
}

function chainOf(error: ErrorJson): ErrorJson[] {
  return error.cause ? [error, ...chainOf(error.cause)] : [error]
}

function attemptOf(events: readonly HistoryEvent[], taskId: string | undefined): number | undefined {
  const last = events.findLast(
    (event) => (event.type === 'task-finished' || event.type === 'task-started') && event.taskId === taskId,
  )
  return last && 'attempt' in last ? last.attempt : undefined
}

/** What a map task read, of the others nothing is known. */
function splitOf(events: readonly HistoryEvent[], taskId: string | undefined): InputSplit | undefined {
  const number = /^m-(\d+)$/.exec(taskId ?? '')?.[1]
  if (number === undefined) return undefined
  return events.findLast((event) => event.type === 'planned')?.tasks[Number(number)]
}

/** The last state but the end. */
function stateOf(events: readonly HistoryEvent[]): string {
  const states = events.flatMap((event) => (event.type === 'state' ? event.state : []))
  return states.findLast((state) => state !== 'failed') ?? 'submitted'
}
