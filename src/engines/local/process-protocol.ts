import { fstatSync, readSync, writeSync } from 'node:fs'
import type { RunningRecord, TaskProgress, TaskSpec } from '../../mapreduce/task/task.js'
import type { TaskOutcome } from './thread-protocol.js'

/** What a process is started with, as JSON in its first argument. */
export interface ProcessSettings {
  /** Bytes that pictures being decoded may take here. */
  memoryBytes: number
  /** Pictures decoded here at once. */
  decodes: number
}

/** What the driver sends. */
export type ProcessOrder = { run: TaskSpec }

/** What a process sends. */
export type ProcessMessage = { progress: TaskProgress } | { outcome: TaskOutcome }

/** Descriptors that a process inherits beside the usual ones. */
export const NOTE_DESCRIPTOR = 4
/** Its other end is open for as long as the driver lives. */
export const LIFELINE_DESCRIPTOR = 5

/*
 * The note: which records are running in a process, in a file without a name that the driver has open too.
 * It is written before a record begins, and can be read when the process is dead or in an endless loop; a
 * message might still have been on its way.
 *
 *   JSON     [[ordinal, key], ...]
 *   '\n'     what follows is left of a longer note
 */

/** Longer keys are cut in a note: it is for messages. */
const KEY_CHARACTERS = 200

export function writeNote(descriptor: number, running: readonly RunningRecord[]): void {
  const entries = running.map(({ ordinal, key }) => [ordinal, key.slice(0, KEY_CHARACTERS)])
  writeSync(descriptor, `${JSON.stringify(entries)}\n`, 0)
}

/** Undefined where it is being written just now. */
export function readNote(descriptor: number): RunningRecord[] | undefined {
  const bytes = Buffer.alloc(fstatSync(descriptor).size)
  const length = readSync(descriptor, bytes, 0, bytes.length, 0)
  const [line = ''] = bytes.toString('utf8', 0, length).split('\n', 1)
  if (line === '') return []
  try {
    return (JSON.parse(line) as [number, string][]).map(([ordinal, key]) => ({ ordinal, key }))
  } catch {
    return undefined
  }
}
