import type { TaskProgress } from '../../mapreduce/task/task.js'
import { requireSignature, signatureOf } from './signature.js'

/**
 * What the queue holds of an attempt: a reference into the job's folder, well under a kilobyte. Data of the
 * user's never are among it.
 */
export interface AttemptReference {
  taskId: string
  epoch: number
  attempt: number
  /** Whether its spec lies in a file of the job's folder, since it does not follow from the plan alone. */
  hasSpec?: true
  /** Of the other fields and the job's id, where the fleet has a secret. */
  signature?: string
}

/** What a worker tells the driver of an attempt. */
export type AttemptMessage =
  | { attempt: string; worker: string; host: string; said: 'progress'; numbers: ProgressNumbers }
  /** `alive`: it has nothing new to tell. */
  | { attempt: string; worker: string; host: string; said: 'alive' | AttemptEnd }

/**
 * How an attempt has ended on a worker: `done`, its report lies where it was committed; `failed`, its error lies
 * in a file; `given-back`, through no fault of its own; `stalled`, the worker that had it before has lost it.
 */
export type AttemptEnd = 'done' | 'failed' | 'given-back' | 'stalled'

/** Of the progress only what is no user's data. */
export type ProgressNumbers = Pick<TaskProgress, 'read' | 'bytesIn' | 'bad' | 'share'>

/** `m-00017_1_0`; unique within a job, also as its job's id in the queue. */
export function attemptName({
  taskId,
  epoch,
  attempt,
}: Pick<AttemptReference, 'taskId' | 'epoch' | 'attempt'>): string {
  return `${taskId}_${epoch}_${attempt}`
}

export function signReference(jobId: string, reference: AttemptReference, secret?: string): AttemptReference {
  if (secret === undefined) return reference
  return { ...reference, signature: signatureOf(secret, textOf(jobId, reference)) }
}

/**
 * The attempt's task, from its name; undefined where it is none.
 * @param attempt as {@link attemptName} makes it
 */
export function taskOfAttempt(attempt: string): string | undefined {
  return /^(.+)_\d+_\d+$/.exec(attempt)?.[1]
}

/** Whether this is a reference at all: file names are made of it. */
export function isReference(data: unknown): data is AttemptReference {
  const { taskId, epoch, attempt } = (data ?? {}) as Partial<AttemptReference>
  return (
    typeof taskId === 'string' &&
    /^[a-z]-\d{5,}$/.test(taskId) &&
    Number.isSafeInteger(epoch) &&
    Number.isSafeInteger(attempt)
  )
}

/** @throws AuthenticationError when there is a secret and the reference was not signed with it. */
export function checkReference(jobId: string, reference: AttemptReference, secret?: string): void {
  if (secret === undefined) return
  requireSignature(secret, textOf(jobId, reference), reference.signature, `an attempt of ${jobId}`)
}

function textOf(jobId: string, { taskId, epoch, attempt, hasSpec }: AttemptReference): string {
  return JSON.stringify([jobId, taskId, epoch, attempt, hasSpec === true])
}
