import {
  type CounterSums,
  INPUT_COUNTERS,
  JOB_COUNTERS,
  OUTPUT_COUNTERS,
  TASK_COUNTERS,
} from '../mapreduce/counters.js'

/** What Hadoop calls its groups where it shows them; a job's own are called as the job calls them. */
const GROUP_NAMES: Record<string, string> = {
  [TASK_COUNTERS]: 'Map-Reduce Framework',
  [JOB_COUNTERS]: 'Job Counters',
  [INPUT_COUNTERS]: 'File Input Format Counters',
  [OUTPUT_COUNTERS]: 'File Output Format Counters',
}

/** And its counters, where that is not their name in small letters. */
const COUNTER_NAMES: Record<string, string> = {
  TOTAL_LAUNCHED_MAPS: 'Launched map tasks',
  TOTAL_LAUNCHED_REDUCES: 'Launched reduce tasks',
  DATA_LOCAL_MAPS: 'Data-local map tasks',
  OTHER_LOCAL_MAPS: 'Other local map tasks',
  SHUFFLED_MAPS: 'Shuffled Maps',
  SPLIT_RAW_BYTES: 'Input split bytes',
  BYTES_READ: 'Bytes Read',
  BYTES_WRITTEN: 'Bytes Written',
}

const WIDTH = 110
const INDENT = '    '

/** A job's counters as Hadoop names them, a paragraph for each group; those that counted nothing are left. */
export function counterLines(groups: CounterSums): string[] {
  const lines: string[] = []
  for (const [group, counters] of Object.entries(groups)) {
    const isHadoops = group in GROUP_NAMES
    const counted = Object.entries(counters).filter(([, value]) => value !== 0)
    if (counted.length === 0) continue
    let line = `${INDENT}${GROUP_NAMES[group] ?? group}:`
    for (const [number, [name, value]] of counted.entries()) {
      const shown = `${isHadoops ? counterName(name) : name}=${value}${number < counted.length - 1 ? ',' : ''}`
      if (line.length + 1 + shown.length > WIDTH) {
        lines.push(line)
        line = `${INDENT} `
      }
      line += ` ${shown}`
    }
    lines.push(line)
  }
  return lines.length > 0 ? ['  counters', ...lines] : []
}

function counterName(name: string): string {
  const words = name.toLowerCase().replaceAll('_', ' ')
  return COUNTER_NAMES[name] ?? words[0]!.toUpperCase() + words.slice(1)
}
