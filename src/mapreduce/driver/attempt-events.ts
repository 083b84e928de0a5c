import { hostname } from 'node:os'
import type { PixelreduceError } from '../../errors.js'
import type { TaskProgress, TaskReport } from '../task/task.js'
import type { JobEvent } from './events.js'

/** Tells when the attempts of a stage begin and end. */
export class AttemptEvents {
  private readonly startMs = new Map<string, number>()
  private readonly host = hostname()

  constructor(private readonly onEvent: (event: JobEvent) => void) {}

  /** An attempt begins with its first word, which may be later than it was handed to the engine. */
  progress({ taskId, attempt }: TaskProgress): void {
    const id = `${taskId}_${attempt}`
    if (this.startMs.has(id)) return
    this.startMs.set(id, Date.now())
    this.onEvent({ type: 'task-started', taskId, attempt, host: this.host })
  }

  finished(report: TaskReport): void {
    const { taskId, attempt, ledger, bytesIn } = report
    this.progress({ taskId, attempt, read: 0, bytesIn: 0, bad: 0 })
    this.onEvent({
      type: 'task-finished',
      taskId,
      attempt,
      host: this.host,
      ms: Date.now() - this.startMs.get(`${taskId}_${attempt}`)!,
      read: ledger.reduced ?? ledger.read,
      written: ledger.shuffled ?? ledger.written,
      bytesIn,
      bad: ledger.quarantined + ledger.skipped,
    })
  }

  failed(failure: { taskId: string; attempt: number; error: PixelreduceError; again: boolean }): void {
    this.onEvent({ type: 'task-failed', ...failure })
  }
}
