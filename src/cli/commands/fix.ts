import type { Command } from 'commander'
import { counted } from '../../mapreduce/counted.js'
import { type FixedFile, fixStored } from '../../mapreduce/stored/fix.js'
import { EXIT } from '../exit.js'
import { writeLine } from '../output.js'

export function define(command: Command): void {
  command
    .argument('<uri>', 'MapFile or job output')
    .option('--dry-run', 'read the data through and write nothing')
    .option('--json', 'one object per MapFile: records, index entries, what was skipped')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce fix photos.packed
  pixelreduce fix photos.packed --dry-run

Writes a new index and a new _checksum from the data, which is left as it is. Bytes of it that can't be read
are kept in the MapFile _quarantine in its folder, by their positions.

Exit codes: 0 done, 1 failed, 2 usage, 3 done and some bytes could not be read.`,
    )
}

export async function run(
  [uri]: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  let skipped = false
  for await (const fixed of fixStored(uri!, { dryRun: options.dryRun === true, signal })) {
    skipped ||= fixed.skippedBytes > 0
    await writeLine(options.json ? JSON.stringify(fixed) : describe(fixed, options.dryRun === true))
  }
  return skipped ? EXIT.quarantined : EXIT.done
}

function describe(fixed: FixedFile, dryRun: boolean): string {
  const lines = [
    `${fixed.file}  ${counted(fixed.records, 'record')}  ${counted(fixed.indexEntries, 'index entry', 'index entries')}  ${counted(fixed.skippedBytes, 'byte')} skipped${dryRun ? '  (nothing written)' : ''}`,
  ]
  if (fixed.outOfOrder > 0)
    lines.push(
      `  ${counted(fixed.outOfOrder, 'record is', 'records are')} out of order: no lookup finds them`,
    )
  if (fixed.damagedValues)
    lines.push(`  ${counted(fixed.damagedValues, 'value differs', 'values differ')} from the checksums`)
  if (fixed.oldChecksumError) lines.push(`  the old checksums could not be used: ${fixed.oldChecksumError}`)
  if (fixed.quarantine) lines.push(`  skipped bytes are in ${fixed.quarantine}`)
  return lines.join('\n')
}
