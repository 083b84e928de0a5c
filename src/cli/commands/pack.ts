import type { Command } from 'commander'
import { submitJob } from '../../engines/run-job.js'
import { followJob } from '../follow-job.js'
import { addRunOptions, runOptions } from '../run-options.js'

export function define(command: Command): void {
  command
    .argument(
      '<inputs...>',
      'folders of pictures, pictures, globs, MapFiles; the last argument is the output',
    )
    .usage('[options] DIR... URI')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce pack photos photos.packed
  pixelreduce pack cam-1 cam-2 archive.packed --exclude '*.tmp.jpg'

Keys are paths relative to DIR. The bytes are not touched, decoded or checked. Two files with one key are
refused, and no output is made.`,
    )
  addRunOptions(command)
}

export async function run(
  args: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const input = args.slice(0, -1)
  const output = args.at(-1)!
  if (input.length === 0) {
    const { UsageError } = await import('../../errors.js')
    throw new UsageError(
      `Cannot pack ${output}: say where to as well, as in "pixelreduce pack photos photos.packed"`,
    )
  }
  const runningOptions = { ...runOptions(options), input, output, duplicateKeys: 'refuse' as const, signal }
  if (options.explain) {
    const { explainJob } = await import('../../engines/explain-job.js')
    const { openJob } = await import('../../mapreduce/driver/open-job.js')
    const { printExplanation } = await import('../explain.js')
    return printExplanation(await explainJob(await openJob('pack'), runningOptions), options.json === true)
  }
  const handle = await submitJob('pack', runningOptions)
  return followJob(handle, { progress: options.progress as never, json: options.json === true })
}
