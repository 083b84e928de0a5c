import type { TaskProgress } from './task.js'

/** What an engine gives a running task. */
export interface TaskContext {
  signal: AbortSignal
  memory: MemoryBudget
  onProgress(progress: TaskProgress): void
}

/** A number of bytes that tasks running at once share. */
export interface MemoryBudget {
  /**
   * Waits until `bytes` are free and takes them; what is larger than the whole budget waits until it is
   * alone. Call the result to give them back.
   */
  acquire(bytes: number, signal: AbortSignal): Promise<() => void>
}
