import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { NotFoundError, UsageError } from '../../errors.js'
import { localError } from '../../fs/local/local-error.js'
import { openStoredRecords } from '../../mapreduce/input/stored-records.js'

export function define(command: Command): void {
  command
    .argument('<uri>', 'MapFile, SequenceFile or job output')
    .argument('<key>', 'the key, as "pixelreduce ls" shows it')
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce get out/thumbnails cats/chelsea.jpg > chelsea.jpg
  pixelreduce get out/thumbnails cats/chelsea.jpg -o chelsea.jpg

Exit codes: 0 found, 1 no such key or damaged, 2 usage.`,
    )
}

export async function run([uri, key]: string[], options: Record<string, unknown>): Promise<number> {
  const file = options.output as string | undefined
  if (file === undefined && process.stdout.isTTY) {
    throw new UsageError(`Cannot show "${key}": its bytes are no text; add "> FILE" or "--output FILE"`)
  }
  await using stored = await openStoredRecords(uri!)
  const record = await stored.get(key!)
  if (!record) {
    throw new NotFoundError(
      `Cannot get "${key}": there is no such key in ${uri}; "pixelreduce ls ${uri}" lists them`,
    )
  }
  if (file !== undefined) await writeFile(file, record.value).catch(localError('write', file))
  else await new Promise((resolve) => process.stdout.write(record.value, resolve))
  return 0
}
