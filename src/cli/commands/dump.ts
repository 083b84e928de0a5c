import { type Command, InvalidArgumentError } from 'commander'
import { dumpRecords } from '../../mapreduce/stored/dump-records.js'
import { writeLine } from '../output.js'

export function define(command: Command): void {
  command
    .argument('<uri>', 'SequenceFile, MapFile or job output')
    .option('--head <n>', 'stop after so many records', wholeNumber)
    .option('--start <byte>', 'first byte of a split of the data file', wholeNumber)
    .option('--length <bytes>', 'bytes of the split', wholeNumber)
    .option('--digest', 'show bytes as their length and SHA-256 instead of base64')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce dump out/thumbnails --digest | head -3
  pixelreduce dump archive.seq --start 0 --length 134217728

One object per record: {"key": ..., "value": ...}, whatever the classes. With a byte range exactly the records
that Hadoop gives such a split.`,
    )
}

export async function run(
  [uri]: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { start, length } = options as { start?: number; length?: number }
  let left = (options.head as number | undefined) ?? Number.POSITIVE_INFINITY
  const records = dumpRecords(uri!, {
    ...(start === undefined ? {} : { start }),
    ...(length === undefined ? {} : { length }),
    digest: options.digest === true,
    signal,
  })
  // What comes after the last record that is wanted is not even looked at.
  while (left-- > 0) {
    const { value, done } = await records.next()
    if (done) break
    await writeLine(JSON.stringify(value))
  }
  await records.return(undefined)
  return 0
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It takes a whole number.')
}
