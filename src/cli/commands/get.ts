import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { NotFoundError, UsageError } from '../../errors.js'
import { localError } from '../../fs/local/local-error.js'
import { type FoundRecord, Lookup } from '../../mapreduce/stored/lookup.js'
import type { Side } from '../../mapreduce/stored/open-part.js'
import { keyForMessage } from '../../mapreduce/stored/record-json.js'
import { valueAsFile } from '../../mapreduce/stored/value-as-file.js'
import { writeLine } from '../output.js'

export function define(command: Command): void {
  command
    .argument('<uri>', 'MapFile, SequenceFile or job output')
    .argument('<key>', 'the key, as "pixelreduce dump" shows it; text and numbers as they are')
    .addOption(
      new Option('--closest <side>', 'without such a key, the next one on that side').choices([
        'before',
        'after',
      ]),
    )
    .option('--part-only', 'print the part that the key would lie in, and read no record')
    .option('--json', 'print key, bytes, part and position instead of the value')
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce get out/thumbnails cats/chelsea.jpg > chelsea.jpg
  pixelreduce get out/thumbnails cats/chelsea.jpg -o chelsea.jpg
  pixelreduce get events 1700000000 --closest before --json
  pixelreduce get out/thumbnails cats/chelsea.jpg --part-only

With --closest the key that was found goes to stderr. A BytesWritable or Text comes as its bytes, any other
value as JSON.

Exit codes: 0 found, 1 no such key or damaged, 2 usage.`,
    )
}

export async function run([uri, key]: string[], options: Record<string, unknown>): Promise<number> {
  const file = options.output as string | undefined
  const side = options.closest as Side | undefined
  const { json, partOnly } = options as { json?: boolean; partOnly?: boolean }
  if (file === undefined && process.stdout.isTTY && !json && !partOnly) {
    throw new UsageError(`Cannot show "${key}": its bytes are no text; add "> FILE" or "--output FILE"`)
  }
  await using lookup = await Lookup.open(uri!)
  if (partOnly) {
    for (const part of await lookup.partsFor(key!)) await writeLine(json ? JSON.stringify({ part }) : part)
    return 0
  }
  const record = side ? await lookup.closest(key!, side) : await lookup.get(key!)
  if (!record) {
    const none = side ? `there is no key ${side} it` : 'there is no such key'
    throw new NotFoundError(`Cannot get "${key}": ${none} in ${uri}; "pixelreduce ls ${uri}" lists them`)
  }
  await write(record, { file, json, side })
  return 0
}

async function write(
  record: FoundRecord,
  { file, json, side }: { file: string | undefined; json: boolean | undefined; side: Side | undefined },
): Promise<void> {
  const key = keyForMessage(record.keyClass, record.key)
  const value = valueAsFile(record.valueClass, record.value)
  if (json) {
    await writeLine(
      JSON.stringify({ key, bytes: value.length, part: record.part, position: record.position }),
    )
    if (file === undefined) return
  } else if (side) process.stderr.write(`${typeof key === 'string' ? key : JSON.stringify(key)}\n`)
  if (file !== undefined) await writeFile(file, value).catch(localError('write', file))
  else await new Promise((resolve) => process.stdout.write(value, resolve))
}
