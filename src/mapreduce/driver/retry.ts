import { UsageError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { codecNames, loadCodec } from '../../io/codecs/index.js'
import { readJsonLines } from '../../io/json-lines.js'
import type { HistoryEventOf } from '../history/history-event.js'
import type { Job } from '../job.js'
import type { SuccessFile } from '../output/success-file.js'
import { QUARANTINE_FOLDER, REASONS_FILE } from '../task/layout.js'
import type { RunOptions } from './options.js'

/** Keys that fit a plan; a quarantine of pictures is an input itself and knows no such limit. */
const MOST_KEYS = 10_000

/**
 * How the job of an output is run again over what the output has in quarantine, so that what comes of it
 * can be put into the output.
 * @param submitted what the job's history tells of it, where there is one
 * @throws UsageError when what comes of it can't be put into the output.
 */
export async function retryOptions(
  output: Location,
  success: SuccessFile,
  job: Job,
  submitted: HistoryEventOf<'submitted'> | undefined,
): Promise<RunOptions> {
  const refuse = (why: string) =>
    new UsageError(`Cannot retry what ${success.job} has set aside in ${uriOf(output)}: ${why}`)
  const { outputFormat = 'mapfile', compression = 'NONE', parts } = success
  const hasReducers = parts.some(({ name }) => name.startsWith('part-r-'))
  if (job.reduce) {
    throw refuse('its reducers have made one value of many records; run the whole job again')
  }
  if (hasReducers && outputFormat !== 'mapfile') {
    throw refuse(`its parts are sorted, and ${outputFormat} parts can't be merged; run the whole job again`)
  }
  const { codec, outputFormat: _, ...earlier } = submitted?.options ?? ({} as Partial<RunOptions>)
  const isPictures = job.input.kind === 'pictures'
  return {
    ...(earlier.onError === 'skip' ? { onError: 'skip' as const } : {}),
    ...(earlier.limits ? { limits: earlier.limits } : {}),
    ...(earlier.isolation ? { isolation: earlier.isolation } : {}),
    ...(earlier.taskTimeoutMs === undefined ? {} : { taskTimeoutMs: earlier.taskTimeoutMs }),
    ...(earlier.recordTimeoutMs ? { recordTimeoutMs: earlier.recordTimeoutMs } : {}),
    ...(earlier.crc ? { crc: true } : {}),
    ...(earlier.blockSize ? { blockSize: earlier.blockSize } : {}),
    ...(earlier.replication ? { replication: earlier.replication } : {}),
    input: isPictures ? uriOf(within(output, QUARANTINE_FOLDER)) : success.inputs,
    ...(isPictures ? {} : { only: await quarantinedKeys(output, success, refuse) }),
    output: uriOf(output),
    overwrite: true,
    retryOf: success.jobId,
    outputFormat,
    indexInterval: success.indexInterval,
    ...(compression === 'NONE'
      ? {}
      : {
          compression: compression === 'BLOCK' ? ('block' as const) : ('record' as const),
          codec: codec ?? (await codecName(success.codec!)),
        }),
    ...(hasReducers ? { reducers: parts.length } : {}),
    // They have all been bad before.
    maxBad: { percent: 100, atLeast: 0 },
  }
}

async function quarantinedKeys(
  output: Location,
  { quarantine, ledger }: SuccessFile,
  refuse: (why: string) => UsageError,
): Promise<string[]> {
  if (ledger.quarantined > MOST_KEYS) {
    throw refuse(
      `${ledger.quarantined} records can't be looked up one by one, ${MOST_KEYS} can; run the whole job again`,
    )
  }
  const keys: string[] = []
  for (const { name } of quarantine) {
    const { fs, path } = within(output, QUARANTINE_FOLDER, name, REASONS_FILE)
    await using source = await fs.open(path)
    for await (const { value } of readJsonLines(source)) keys.push((value as { key: string }).key)
  }
  return keys
}

/** The name for `--codec` of a codec's class. */
async function codecName(className: string): Promise<string> {
  const { className: known } = await loadCodec(className)
  for (const name of codecNames) {
    const codec = await loadCodec(name).catch(() => undefined)
    if (codec?.className === known) return name
  }
  return className
}

function within({ fs, path }: Location, ...names: string[]): Location {
  return { fs, path: joinPath(path, ...names) }
}
