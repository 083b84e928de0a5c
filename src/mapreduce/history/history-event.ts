import { type ErrorJson, errorToJson, type PixelreduceError } from '../../errors.js'
import type { JobEvent } from '../driver/events.js'

/*
 * A job's history: JSON, one event a line, in the order in which the events happened.
 *
 *   {"time": "2026-01-31T22:04:05.678Z", "type": "submitted", ...}
 *   {"time": ..., "type": "state", "state": "planning"}
 *   {"time": ..., "type": "planned", "tasks": [{"path": ..., "length": ..., "hosts": [...]}, ...], ...}
 *   {"time": ..., "type": "task-started" | "task-finished" | "task-failed", "taskId": ..., "attempt": ..., ...}
 *   {"time": ..., "type": "succeeded" | "failed" | "killed", ...}
 *
 * Progress is not among them: it is over when it is told.
 */

/** An event as it stands in a history: when it happened, and errors as JSON. */
export type HistoryEvent = { time: string } & AsJson<Exclude<JobEvent, { type: 'progress' }>>

type AsJson<Event> = Event extends { error: PixelreduceError }
  ? Omit<Event, 'error'> & { error: ErrorJson }
  : Event

export type HistoryEventOf<Type extends HistoryEvent['type']> = Extract<HistoryEvent, { type: Type }>

/** The ids of jobs; by their names histories come in the order of their time. */
export const JOB_ID = /^job_\d{17}_[0-9a-f]+$/

export const HISTORY_SUFFIX = '.jsonl'

/** The event as a line, with the newline. */
export function historyLine(event: Exclude<JobEvent, { type: 'progress' }>, time: Date): string {
  const shown = 'error' in event ? { ...event, error: errorToJson(event.error) } : event
  return `${JSON.stringify({ time: time.toISOString(), ...shown })}\n`
}

/** Undefined for a line that was cut off when its writer was killed. */
export function parseHistoryLine(line: string): HistoryEvent | undefined {
  try {
    return JSON.parse(line) as HistoryEvent
  } catch {
    return undefined
  }
}
