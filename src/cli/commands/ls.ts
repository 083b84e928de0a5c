import type { Command } from 'commander'
import prettyBytes from 'pretty-bytes'
import { openStoredRecords } from '../../mapreduce/input/stored-records.js'
import { writeLine } from '../output.js'

export function define(command: Command): void {
  command
    .argument('<uri>', 'MapFile, SequenceFile or job output')
    .option('--json', 'one object per record: key, bytes, part, position')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce ls out/thumbnails
  pixelreduce ls out/thumbnails --json | head -3`,
    )
}

export async function run(
  [uri]: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  await using stored = await openStoredRecords(uri!)
  let records = 0
  let bytes = 0
  for await (const record of stored.records(signal)) {
    records++
    bytes += record.value.length
    await writeLine(
      options.json
        ? JSON.stringify({
            key: record.key,
            bytes: record.value.length,
            part: record.part,
            position: record.position,
          })
        : `${String(record.value.length).padStart(12)}  ${record.key}`,
    )
  }
  if (!options.json) process.stderr.write(`${records} records, ${prettyBytes(bytes)}\n`)
  return 0
}
