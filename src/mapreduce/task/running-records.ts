import type { TaskContext } from './context.js'
import type { JobSpec, RecordsSpec, RunningRecord } from './task.js'

/** What a record is called, asked for only where somebody wants to know. */
interface RecordName {
  readonly text: string
}

/** The records of an attempt that are in map just now, noted where the engine asks for it. */
export class RunningRecords {
  /** Whether each record is noted, also one whose map never waits. */
  readonly areAllNoted: boolean
  private readonly running = new Map<number, RecordName>()
  private readonly note: TaskContext['note']

  constructor(spec: RecordsSpec & { job: JobSpec }, { note }: TaskContext) {
    this.note = note
    this.areAllNoted =
      note !== undefined && (spec.isCareful === true || spec.job.recordTimeoutMs !== undefined)
  }

  begin(ordinal: number, name: RecordName): void {
    this.running.set(ordinal, name)
    this.note?.(this.list())
  }

  end(ordinal: number): void {
    if (this.running.delete(ordinal)) this.note?.(this.list())
  }

  list(): RunningRecord[] {
    return [...this.running].map(([ordinal, { text }]) => ({ ordinal, key: text }))
  }
}
