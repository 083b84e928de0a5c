import { type Location, uriOf } from '../../fs/resolve.js'
import { listJobIds, readHistoryEnds } from '../../mapreduce/history/history-reader.js'
import { type JobSummary, summarize } from '../../mapreduce/history/job-summary.js'
import { EXIT } from '../exit.js'
import { writeLine } from '../output.js'
import { duration } from '../progress.js'
import { writeTable } from '../table.js'
import { localTime } from './local-time.js'

/** Prints the jobs of a folder of histories, the newest first. @returns the exit code */
export async function listJobs(folder: Location, json: boolean): Promise<number> {
  const rows: string[][] = [['ID', 'JOB', 'STATE', 'WHEN', 'TOOK', 'RECORDS', 'OUTPUT']]
  const now = new Date()
  for (const jobId of (await listJobIds(folder)).reverse()) {
    const summary = summarize(await readHistoryEnds({ folder, jobId }), now)
    if (!summary) continue
    if (json) await writeLine(JSON.stringify(summary))
    else rows.push(rowOf(summary))
  }
  if (json) return EXIT.done
  if (rows.length === 1) {
    process.stderr.write(`jobs: ${uriOf(folder)} has no history of any job\n`)
    return EXIT.done
  }
  await writeTable(rows)
  return EXIT.done
}

function rowOf({ jobId, job, state, submitted, elapsedMs, ledger, output }: JobSummary): string[] {
  const records = ledger ? String(ledger.read) : ''
  return [jobId, job, state, localTime(submitted), duration(elapsedMs / 1000), records, output]
}
