import { hostname } from 'node:os'
import type { PixelreduceError } from '../../errors.js'
import type { TaskProgress, TaskReport } from '../task/task.js'
import type { JobEvent } from './events.js'

/** Tells when the attempts of a stage begin and end. */
export class AttemptEvents {
  private readonly begun = new Map<string, { ms: number; host: string }>()
  private readonly host = hostname()

  constructor(private readonly onEvent: (event: JobEvent) => void) {}

  /** An attempt begins with its first word, which may be later than it was handed to the engine. */
  progress({ taskId, attempt, host = this.host }: TaskProgress): void {
    const id = `${taskId}_${attempt}`
    if (this.begun.has(id)) return
    this.begun.set(id, { ms: Date.now(), host })
    this.onEvent({ type: 'task-started', taskId, attempt, host })
  }

  finished(report: TaskReport): void {
    const { taskId, attempt, ledger, bytesIn } = report
    this.progress({ taskId, attempt, read: 0, bytesIn: 0, bad: 0 })
    const { ms, host } = this.begun.get(`${taskId}_${attempt}`)!
    this.begun.delete(`${taskId}_${attempt}`)
    this.onEvent({
      type: 'task-finished',
      taskId,
      attempt,
      host,
      ms: Date.now() - ms,
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
