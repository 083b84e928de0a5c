import type { Command } from 'commander'
import prettyBytes from 'pretty-bytes'
import { counted } from '../../mapreduce/counted.js'
import { listRecords } from '../../mapreduce/stored/stored-records.js'
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
  pixelreduce ls out/thumbnails --json | head -3

Keys are shown as text where they are; bytes are those of the value as "pixelreduce get" writes it. Of an
output that is text each line is listed with the byte that it begins at.`,
    )
}

export async function run(
  [uri]: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  let records = 0
  let bytes = 0
  for await (const { key, value, part, position } of listRecords(uri!, signal)) {
    records++
    bytes += value.length
    const shown = typeof key === 'string' ? key : JSON.stringify(key)
    await writeLine(
      options.json
        ? JSON.stringify({ key, bytes: value.length, part, position })
        : `${String(value.length).padStart(12)}  ${shown}`,
    )
  }
  if (!options.json) process.stderr.write(`${counted(records, 'record')}, ${prettyBytes(bytes)}\n`)
  return 0
}
