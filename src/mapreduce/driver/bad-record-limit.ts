import { BadRecordsError, errorFromJson, UsageError } from '../../errors.js'
import { counted } from '../counted.js'
import type { BadRecord } from '../task/task.js'

/** How many records may be bad: a number, or a share of all of them. */
export type MaxBad = { records: number } | { percent: number; atLeast: number }

export const DEFAULT_MAX_BAD: MaxBad = { percent: 1, atLeast: 10 }

/** Reads `--max-bad N` or `--max-bad P%`. @throws UsageError */
export function parseMaxBad(text: string): MaxBad {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim())
  const value = Number(match?.[1])
  if (match?.[2] && value <= 100) return { percent: value, atLeast: 0 }
  if (match && !match[2] && Number.isInteger(value)) return { records: value }
  throw new UsageError(
    `Cannot use --max-bad ${JSON.stringify(text)}: it takes a number of records or a share such as 1%`,
  )
}

/**
 * @param total records of the job, where they are known yet; a share waits until they are.
 * @param example one that is bad, where one is known in words
 * @throws BadRecordsError when more records are bad than may be.
 */
export function checkBadRecords(
  bad: number,
  total: number | undefined,
  limit: MaxBad,
  example: BadRecord | undefined,
): void {
  if (bad === 0) return
  const allowed = allowedRecords(limit, total)
  if (allowed === undefined || bad <= allowed) return
  const words = 'records' in limit ? `${allowed}` : `${allowed} (${limit.percent}%${atLeast(limit.atLeast)})`
  const first = example ? `; the first: ${example.reason}` : ''
  const some = total === undefined ? counted(bad, 'record') : `${bad} of ${counted(total, 'record')}`
  throw new BadRecordsError(
    `Cannot finish the job: ${some} ${bad === 1 ? 'is' : 'are'} bad, --max-bad allows ${words}${first}`,
    {
      details: { bad, allowed, ...(example ? { key: example.key, task: example.task } : {}) },
      ...(example ? { cause: errorFromJson(example.error) } : {}),
    },
  )
}

function allowedRecords(limit: MaxBad, total: number | undefined): number | undefined {
  if ('records' in limit) return limit.records
  if (total === undefined) return undefined
  return Math.max(limit.atLeast, Math.floor((total * limit.percent) / 100))
}

function atLeast(records: number): string {
  return records > 0 ? `, at least ${records}` : ''
}
