import type { BadRecord, TaskProgress, TaskReport } from '../task/task.js'
import type { JobEvent } from './events.js'

/** What a stage has before it, as far as that is known. */
export interface StagePlan {
  records?: number | undefined
  bytes: number
}

/** Sums what running and finished tasks tell. */
export class StageProgress {
  private badRecord: BadRecord | undefined
  private readonly running = new Map<string, TaskProgress>()
  private done = { read: 0, bytesIn: 0, bad: 0, tasks: 0 }

  constructor(
    private readonly stage: 'map' | 'reduce',
    private readonly plan: StagePlan,
    private readonly tasks: number,
  ) {}

  update(task: TaskProgress): void {
    this.running.set(task.taskId, task)
  }

  finish({ taskId, ledger, bytesIn, badRecords }: TaskReport): void {
    this.running.delete(taskId)
    this.done.read += ledger.reduced ?? ledger.read
    this.done.bytesIn += bytesIn
    this.done.bad += ledger.quarantined + ledger.skipped
    this.done.tasks++
    this.badRecord ??= badRecords[0]
  }

  /** A bad record in words: of the task that finished first with one, else of one that runs. */
  get firstBad(): BadRecord | undefined {
    if (this.badRecord) return this.badRecord
    for (const { firstBad } of this.running.values()) if (firstBad) return firstBad
    return undefined
  }

  get bad(): number {
    return this.sum('bad')
  }

  event(): JobEvent {
    return {
      type: 'progress',
      stage: this.stage,
      read: this.sum('read'),
      records: this.plan.records,
      bytesIn: this.sum('bytesIn'),
      bytes: this.plan.bytes,
      bad: this.bad,
      tasksDone: this.done.tasks,
      tasks: this.tasks,
    }
  }

  private sum(what: 'read' | 'bytesIn' | 'bad'): number {
    let sum = this.done[what]
    for (const task of this.running.values()) sum += task[what]
    return sum
  }
}
