import { DEFAULT_LIMITS } from '../image/limits.js'
import type { HistoryEventOf } from '../mapreduce/history/history-event.js'
import type { RootCause } from '../mapreduce/history/root-cause.js'
import { flagName } from '../mapreduce/job.js'

/**
 * A command for a shell that runs a job over the one record that ended it, or reduces the one key, as it was run;
 * undefined where none is known to have.
 */
export function replayLine(
  { source, params, options, inputs }: HistoryEventOf<'submitted'>,
  { key, split, isReduce }: RootCause,
): string | undefined {
  if (key === undefined) return undefined
  const { limits, isolation, recordTimeoutMs } = options
  const words = [
    'npx',
    'run-job',
    source,
    '--input',
    // What the split reads, because the same key may be in another input as well.
    ...(split ? [split.path] : inputs),
    // One word, so that a key that begins with a dash is no flag. Any record may have a value for a reducer's key.
    isReduce ? `--reduce-only=${key}` : `--only=${key}`,
    '--on-error',
    'fail',
    ...paramWords(params.given as Record<string, unknown>),
    ...(isolation === 'process' ? ['--isolation', isolation] : []),
    ...(recordTimeoutMs ? ['--record-timeout', `${recordTimeoutMs}ms`] : []),
    ...limitWords('--max-pixels', limits.maxPixels, DEFAULT_LIMITS.maxPixels),
    ...limitWords('--max-frames', limits.maxFrames, DEFAULT_LIMITS.maxFrames),
    ...limitWords('--max-image-bytes', limits.maxBytes, DEFAULT_LIMITS.maxBytes),
  ]
  return `${words.map(quoted).join(' ')} --output "$(mktemp -d)/output"`
}

function paramWords(given: Record<string, unknown>): string[] {
  return Object.entries(given).flatMap(([param, value]) => {
    const flag = flagName(param)
    if (value === undefined) return []
    if (typeof value === 'boolean') return [value ? `--${flag}` : `--no-${flag}`]
    if (Array.isArray(value)) return value.length === 0 ? [] : [`--${flag}=${value.join(',')}`]
    return [`--${flag}=${String(value)}`]
  })
}

function limitWords(flag: string, value: number | undefined, usual: number | undefined): string[] {
  return value === undefined || value === usual ? [] : [flag, String(value)]
}

/** A word as a shell takes it for itself. */
export function quoted(word: string): string {
  return /^[\w./:@=,%+-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`
}
