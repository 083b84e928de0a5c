import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  /** ms until the wait is given up. @default 60_000 */
  deadlineMs?: number
  /** ms between two looks. @default 50 */
  intervalMs?: number
  /** Added to the error when the deadline passes, for example the end of a log. */
  describe?: () => Promise<string>
}

/**
 * Looks again and again until `condition` holds. An answer that throws counts as "not yet"; the last one is
 * the cause of the error at the deadline.
 */
export async function waitUntil(
  what: string,
  condition: () => Promise<boolean>,
  options: WaitOptions = {},
): Promise<void> {
  const { deadlineMs = 60_000, intervalMs = 50 } = options
  const deadline = performance.now() + deadlineMs
  let cause: unknown
  while (performance.now() < deadline) {
    try {
      if (await condition()) return
      cause = undefined
    } catch (error) {
      if (error instanceof GoneError) throw error
      cause = error
    }
    await delay(intervalMs)
  }
  const details = (await options.describe?.()) ?? ''
  throw new Error(`Waited ${deadlineMs} ms in vain: ${what}${details && `\n${details}`}`, { cause })
}

/** Thrown by a condition that can't come true any more. */
export class GoneError extends Error {}
