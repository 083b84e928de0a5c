import { setTimeout as delay } from 'node:timers/promises'

const FIRST_MS = 100
const LONGEST_MS = 3000

/**
 * Waits before a retry: the longer, the more failed before it, and each client another time (full jitter), so
 * that a thousand of them do not come back at once.
 * @param failures how many attempts in a row have failed, from 1
 */
export async function backOff(failures: number, signal?: AbortSignal, random = Math.random): Promise<void> {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10))
  await delay(ceiling / 2 + (random() * ceiling) / 2, undefined, signal ? { signal } : {})
}
