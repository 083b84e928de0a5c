import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseMaxBad } from '../mapreduce/driver/bad-record-limit.js'
import { ENGINES, ISOLATIONS, OUTPUT_COMPRESSIONS, type RunOptions } from '../mapreduce/driver/options.js'
import { OUTPUT_FORMATS } from '../mapreduce/job.js'
import { addFleetOptions, givenFleet } from './fleet-options.js'

/** The flags that every job takes; `pack` takes them too. */
export function addRunOptions(command: Command): void {
  command
    .optionsGroup('Run options:')
    .option('--workers <n>', 'records worked on at once (default: one per core)', count)
    .option('--splits <n>', 'divide the input into about n map tasks', count)
    .option(
      '--split-size <bytes>',
      'bytes of input per map task, such as 64M (default: from the input)',
      bytes,
    )
    .option(
      '--reducers <n>',
      "parts of the output, sorted (default: the job's own, or by the input's size)",
      count,
    )
    .addOption(
      new Option(
        '--key <what>',
        "key of the output: the picture's name, or the MD5 of it with the names beside (default: name)",
      ).choices(['name', 'hash']),
    )
    .addOption(
      new Option('--output-format <format>', "how the output is stored (default: the job's own)").choices(
        OUTPUT_FORMATS,
      ),
    )
    .option('--sort-buffer <bytes>', 'memory to sort in, for each task (default: 64M)', bytes)
    .option('--map-output-codec <name>', 'compress what goes from maps to reducers (default: none)')
    .option('--part-size <bytes>', 'join neighbouring parts up to this size (default: 128M)', bytes)
    .option('--index-interval <n>', 'records from one index entry to the next (default: 1)', count)
    .addOption(
      new Option(
        '--compression <mode>',
        'of the output: each value, or blocks of records (default: none; pictures are compressed already)',
      ).choices(OUTPUT_COMPRESSIONS),
    )
    .option('--crc', 'write .crc sidecars as Hadoop does on local disks')
    .option('--block-size <bytes>', "of the output's files on HDFS (default: the server's)", bytes)
    .option('--replication <n>', "copies of the output's blocks on HDFS (default: the server's)", count)
    .option('--codec <name>', 'default, deflate, gzip, snappy, lz4 or zstd (default: default, which is zlib)')
    .addOption(
      new Option('--on-error <what>', 'what becomes of a bad record (default: quarantine)').choices([
        'fail',
        'skip',
        'quarantine',
      ]),
    )
    .option('--max-bad <n|p%>', 'bad records after which the job fails (default: 1%, at least 10)', maxBad)
    .option('--overwrite', 'replace an existing output once the new one is whole')
    .option('--resume', 'go on with a run of the same job that was killed; a finished one is left as it is')
    .option('--include <globs...>', 'take only files that match (default: pictures by their extension)')
    .option('--exclude <globs...>', 'leave files that match')
    .option('--only <key>', 'read only the record of this key; may be given again for another', keys)
    .option('--reduce-only <key>', 'reduce only the values of this key; may be given again for another', keys)
    .option('--max-pixels <n>', 'refuse larger pictures from their header', count)
    .option('--max-frames <n>', 'refuse pictures of more frames', count)
    .option('--max-image-bytes <bytes>', 'refuse larger files', bytes)
    .addOption(
      new Option(
        '--isolation <how>',
        'run tasks on threads, or each in a process that may crash or hang (default: thread)',
      ).choices(ISOLATIONS),
    )
    .option(
      '--task-timeout <time>',
      'end an attempt without progress for so long, such as 90s or 10m; 0 for never (default: 10m)',
      time,
    )
    .option('--record-timeout <time>', 'set a record aside that takes longer (default: no limit)', time)
    .option('--no-speculation', 'start no second attempts at slow tasks')
    .option('--memory <bytes>', 'memory for decoded pictures (default: half of the machine)', bytes)
    .optionsGroup('Where it runs:')
    .addOption(
      new Option(
        '--engine <engine>',
        'threads of this machine, or the workers of a fleet (default: local, with --redis cluster)',
      ).choices(ENGINES),
    )
  addFleetOptions(command)
    .option('--max-workers <n>', 'slots of the fleet that this job may use (default: all)', count)
    .option('--priority <n>', "the job's share of the fleet beside other jobs (default: 1)", count)
    .option('--detach', 'return when the fleet has the job; "pixelreduce jobs follow" shows how it gets on')
    .optionsGroup('Messages:')
    .option('--explain', 'print the plan, run nothing and leave nothing')
    .option(
      '--history-dir <uri>',
      "folder of the jobs' histories (default: $PIXELREDUCE_HISTORY_DIR, else ~/.local/state/pixelreduce/history, on a fleet _history beside the output)",
    )
    .addOption(
      new Option('--progress <how>', 'how progress is shown on stderr')
        .choices(['auto', 'tty', 'plain', 'json', 'none'])
        .default('auto'),
    )
    .option('--json', 'print the result as one line of JSON')
    .option('--verbose', 'show stack traces')
}

/** Parsed run flags as {@link RunOptions}. */
export function runOptions(values: Record<string, unknown>): Omit<RunOptions, 'input'> {
  const given = <T>(name: string) => values[name] as T | undefined
  const limits = {
    ...(given('maxPixels') === undefined ? {} : { maxPixels: given<number>('maxPixels')! }),
    ...(given('maxFrames') === undefined ? {} : { maxFrames: given<number>('maxFrames')! }),
    ...(given('maxImageBytes') === undefined ? {} : { maxBytes: given<number>('maxImageBytes')! }),
  }
  return {
    workers: given('workers') ?? workersFromEnvironment(),
    splits: given('splits'),
    splitBytes: given('splitSize'),
    partBytes: given('partSize'),
    reducers: given('reducers'),
    key: given('key'),
    outputFormat: given('outputFormat'),
    sortBytes: given('sortBuffer'),
    mapOutputCodec: given('mapOutputCodec'),
    indexInterval: given('indexInterval'),
    compression: given('compression'),
    codec: given('codec'),
    crc: given('crc'),
    blockSize: given('blockSize'),
    replication: given('replication'),
    onError: given('onError'),
    maxBad: given('maxBad'),
    overwrite: given('overwrite'),
    resume: given('resume'),
    historyDir: given('historyDir'),
    only: given('only'),
    reduceOnly: given('reduceOnly'),
    include: given('include'),
    exclude: given('exclude'),
    memoryBytes: given('memory'),
    isolation: given('isolation'),
    taskTimeoutMs: given('taskTimeout'),
    // No time at all is no limit.
    recordTimeoutMs: given<number>('recordTimeout') || undefined,
    speculation: given('speculation'),
    engine: given('engine') ?? (given('redis') === undefined ? undefined : 'cluster'),
    ...givenFleet(values),
    maxWorkers: given('maxWorkers'),
    priority: given('priority'),
    limits,
  }
}

function workersFromEnvironment(): number | undefined {
  const text = process.env.PIXELREDUCE_WORKERS
  return text ? count(text) : undefined
}

function keys(key: string, before: string[] = []): string[] {
  return [...before, key]
}

export function count(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('It takes a whole number above 0.')
}

/** `1048576`, `64K`, `64M`, `2G`, with or without a B; powers of 1024. */
export function bytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text)
  const power = ['', 'k', 'm', 'g', 't'].indexOf(match?.[2]?.toLowerCase() ?? '')
  const value = Math.floor(Number(match?.[1]) * 1024 ** power)
  if (match && value > 0) return value
  throw new InvalidArgumentError('It takes a number of bytes, such as 64M or 1G.')
}

/** `1500ms`, `90s`, `10m`, `2h`, in milliseconds; a number alone is of seconds. */
export function time(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/i.exec(text)
  const unit = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[match?.[2]?.toLowerCase() ?? 's']
  if (match && unit !== undefined) return Math.round(Number(match[1]) * unit)
  throw new InvalidArgumentError('It takes a time, such as 90s or 10m.')
}

function maxBad(text: string): ReturnType<typeof parseMaxBad> {
  try {
    return parseMaxBad(text)
  } catch {
    throw new InvalidArgumentError('It takes a number of records or a share such as 1%.')
  }
}
