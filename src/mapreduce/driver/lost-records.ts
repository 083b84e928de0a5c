import type { PixelreduceError } from '../../errors.js'
import type { LostAttempt, RecordsSpec, RunningRecord, SkippedRecord, TaskSpec } from '../task/task.js'

/** A record is set aside when so many processes have died with it: one may be killed by an operator. */
const DEATHS = 2

/**
 * Finds the records of a task that end the processes they are mapped in, by and by: several are in work
 * when the first one dies; from then on the attempts are careful and have one in work, so that it is known
 * which it was, and the next attempt sets it aside.
 */
export class LostRecords {
  private readonly skip: SkippedRecord[] = []
  private readonly deaths = new Map<number, number>()
  private isCareful = false

  /** @param kind of the task: what a reducer dies of is not one record, and nothing can be left out */
  constructor(private readonly kind: TaskSpec['kind']) {}

  private get canSkip(): boolean {
    return this.kind === 'map' || this.kind === 'sample'
  }

  /** What the next attempt is to know. */
  get spec(): RecordsSpec {
    return {
      ...(this.isCareful ? { isCareful: true } : {}),
      ...(this.skip.length > 0 ? { skip: [...this.skip] } : {}),
    }
  }

  /**
   * Takes in how an attempt failed.
   * @returns whether a record was found: then the next attempt gets further.
   */
  learn(error: PixelreduceError, running: readonly RunningRecord[]): boolean {
    const { lost, isRecord } = (error.details ?? {}) as Partial<LostAttempt>
    if (lost === undefined) return false
    this.isCareful = true
    for (const { ordinal } of running) this.deaths.set(ordinal, (this.deaths.get(ordinal) ?? 0) + 1)
    const [only] = running
    if (!only || running.length > 1 || !this.canSkip) return false
    // One that was set aside and is in work again would be found for ever.
    if (this.skip.some(({ ordinal }) => ordinal === only.ordinal)) return false
    if (!isRecord && this.deaths.get(only.ordinal)! < DEATHS) return false
    this.skip.push({ ordinal: only.ordinal, reason: lost })
    return true
  }
}
