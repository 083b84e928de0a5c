import { relative } from 'node:path'
import prettyBytes from 'pretty-bytes'
import type { JobHandle } from '../engines/job-handle.js'
import { counted } from '../mapreduce/counted.js'
import type { JobResult } from '../mapreduce/driver/events.js'
import { counterLines } from './counter-lines.js'
import { EXIT } from './exit.js'
import { duration, type ProgressStyle, showProgress } from './progress.js'

/** Shows a job's progress, then its summary. @returns the exit code */
export async function followJob(
  handle: JobHandle,
  options: { progress: ProgressStyle; json: boolean },
): Promise<number> {
  await showProgress(handle.progress, options.progress)
  const result = await handle.done
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : summary(result))
  return result.ledger.quarantined > 0 ? EXIT.quarantined : EXIT.done
}

function summary(result: JobResult): string {
  const { ledger, counters } = result
  const seconds = result.elapsedMs / 1000
  const output = shortPath(result.output)
  const fates = [`${ledger.read} in`, `${ledger.written} out`, `${ledger.quarantined} quarantined`]
  if (ledger.filtered > 0) fates.push(`${ledger.filtered} filtered`)
  if (ledger.skipped > 0) fates.push(`${ledger.skipped} skipped`)
  if (counters.duplicateKeys > 0) fates.push(`${counters.duplicateKeys} with the key of another`)
  const lines = [
    `${result.job}: done in ${duration(seconds)}`,
    `  records  ${fates.join(', ')}; the ledger balances`,
    `  bytes    ${prettyBytes(counters.bytesIn)} in, ${prettyBytes(counters.bytesOut)} out`,
    `  speed    ${(ledger.read / seconds).toFixed(1)} records/s`,
    ...counterLines(result.counterGroups),
    `  output   ${output} (${counted(result.parts.length || 1, 'part')})`,
  ]
  if (ledger.quarantined > 0) lines.push(`  set aside in ${output}/_quarantine:`)
  for (const bad of result.badRecords) lines.push(`    ${bad.reason}`)
  const more = ledger.quarantined + ledger.skipped - result.badRecords.length
  if (result.badRecords.length > 0 && more > 0) lines.push(`    and ${more} more`)
  lines.push(`Next: npx pixelreduce ls ${quoted(output)}`)
  return `${lines.join('\n')}\n`
}

/** A local path as it is shortest from here. */
function shortPath(uri: string): string {
  if (!uri.startsWith('/')) return uri
  const near = relative(process.cwd(), uri)
  return near && !near.startsWith('..') ? near : uri
}

function quoted(path: string): string {
  return /^[\w./:@-]+$/.test(path) ? path : `'${path.replace(/'/g, `'\\''`)}'`
}
