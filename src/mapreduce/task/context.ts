import type { RunningRecord, TaskProgress } from './task.js'

/** What an engine gives a running task. */
export interface TaskContext {
  signal: AbortSignal
  memory: MemoryBudget
  onProgress(progress: TaskProgress): void
  /** Writes down which records are running, before one begins, so that it can be read when this process is dead. */
  note?(running: readonly RunningRecord[]): void
  /**
   * Milliseconds after which a record that is still waited for is set aside. Undefined where there is no
   * limit, and where the process is ended from outside instead.
   */
  recordTimeoutMs?: number
}

/** A number of bytes that tasks running at once share. */
export interface MemoryBudget {
  /**
   * Waits until `bytes` are free and takes them; what is larger than the whole budget waits until it is
   * alone. Call the result to give them back.
   */
  acquire(bytes: number, signal: AbortSignal): Promise<() => void>
}
