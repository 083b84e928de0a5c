import type { TaskProgress } from '../../mapreduce/task/task.js'

/** Least time between two messages of a task. */
const PROGRESS_MS = 100

/**
 * Passes on what an attempt tells, not too often; the last word is passed on a little later where nothing
 * follows it, so that the driver knows of the record at which an attempt hangs.
 */
export function progressTeller(post: (progress: TaskProgress) => void): {
  tell(progress: TaskProgress): void
  /** No more of this attempt: records that it has left behind may still end. */
  end(): void
} {
  let toldMs = Number.NEGATIVE_INFINITY
  let latest: TaskProgress
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  return {
    tell(progress) {
      if (isOver) return
      latest = progress
      const nowMs = performance.now()
      if (nowMs - toldMs >= PROGRESS_MS) pass(nowMs)
      else timer ??= setTimeout(() => pass(performance.now()), PROGRESS_MS).unref()
    },
    end() {
      isOver = true
      clearTimeout(timer)
    },
  }

  function pass(nowMs: number): void {
    toldMs = nowMs
    clearTimeout(timer)
    timer = undefined
    post(latest)
  }
}

/** What an attempt tells when it begins. */
export function firstProgress({ taskId, attempt }: { taskId: string; attempt: number }): TaskProgress {
  return { taskId, attempt, read: 0, bytesIn: 0, bad: 0 }
}
