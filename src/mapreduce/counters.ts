/** Sums by group and name, as plain JSON: the form in which they travel and are stored. */
export type CounterSums = Record<string, Record<string, number>>

/** Hadoop's groups; the names within them are Hadoop's too. */
export const TASK_COUNTERS = 'org.apache.hadoop.mapreduce.TaskCounter'
export const JOB_COUNTERS = 'org.apache.hadoop.mapreduce.JobCounter'
export const INPUT_COUNTERS = 'org.apache.hadoop.mapreduce.lib.input.FileInputFormatCounter'
export const OUTPUT_COUNTERS = 'org.apache.hadoop.mapreduce.lib.output.FileOutputFormatCounter'

/** One of a job's counters. */
export interface Counter {
  /** @param by may be negative, as in Hadoop. @default 1 */
  increment(by?: number): void
}

/**
 * The counters of one attempt. They travel in its report, so that an attempt that was not committed counts
 * nothing.
 */
export class Counters {
  private readonly sums: CounterSums = {}

  increment(group: string, name: string, by = 1): void {
    this.sums[group] ??= {}
    const counters = this.sums[group]
    counters[name] = (counters[name] ?? 0) + by
  }

  counter(group: string, name: string): Counter {
    return { increment: (by = 1) => this.increment(group, name, by) }
  }

  toJson(): CounterSums {
    return this.sums
  }
}

export function addCounters(all: Iterable<CounterSums | undefined>): CounterSums {
  const sum = new Counters()
  for (const each of all) {
    for (const [group, counters] of Object.entries(each ?? {})) {
      for (const [name, value] of Object.entries(counters)) sum.increment(group, name, value)
    }
  }
  return sorted(sum.toJson())
}

/** In one order, whatever the tasks counted first. */
function sorted(sums: CounterSums): CounterSums {
  const byName = <T>(of: Record<string, T>) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(byName(sums).map(([group, each]) => [group, Object.fromEntries(byName(each))]))
}
