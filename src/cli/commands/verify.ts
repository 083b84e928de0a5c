import type { Command } from 'commander'
import { counted } from '../../mapreduce/counted.js'
import { type FileReport, verify } from '../../mapreduce/stored/verify.js'
import { EXIT } from '../exit.js'
import { writeLine } from '../output.js'

/** Faults printed of one file; `--json` has more. */
const MOST_SHOWN = 20

export function define(command: Command): void {
  command
    .argument('<uri>', 'SequenceFile, MapFile or job output')
    .option('--json', 'one object per file: its header, records, index entries, digest and faults')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce verify out/thumbnails
  pixelreduce verify archive.seq --json

Reads every byte: records and their order, the index, _checksum, the .crc files that Hadoop leaves on local
disks, and what _SUCCESS tells of each part. It goes on behind a fault.

Exit codes: 0 sound, 1 faults, 2 usage.`,
    )
}

export async function run(
  [uri]: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  let faults = 0
  let files = 0
  let records = 0
  for await (const report of verify(uri!, { signal })) {
    files++
    faults += report.faultCount
    records += report.records
    if (options.json) await writeLine(JSON.stringify(report))
    else await writeReport(report)
  }
  if (!options.json) {
    const verdict = faults === 0 ? 'no faults' : counted(faults, 'fault')
    process.stderr.write(`verify: ${counted(files, 'file')}, ${counted(records, 'record')}, ${verdict}\n`)
  }
  return faults === 0 ? EXIT.done : EXIT.failed
}

async function writeReport({ file, records, faults, faultCount }: FileReport): Promise<void> {
  const verdict = faultCount === 0 ? 'ok' : counted(faultCount, 'fault')
  await writeLine(`${file}  ${counted(records, 'record')}  ${verdict}`)
  for (const { kind, key, message } of faults.slice(0, MOST_SHOWN)) {
    const shown = JSON.stringify(key)
    const record = key === undefined || message.includes(shown) ? '' : `record ${shown}: `
    await writeLine(`  ${kind}: ${record}${message}`)
  }
  if (faultCount > MOST_SHOWN) {
    await writeLine(`  and ${faultCount - MOST_SHOWN} more; --json shows ${faults.length}`)
  }
}
