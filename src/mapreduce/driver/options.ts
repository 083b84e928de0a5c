import { UsageError } from '../../errors.js'
import { DEFAULT_LIMITS, type ImageLimits } from '../../image/limits.js'
import { codecNames, loadWritingCodec } from '../../io/codecs/index.js'
import { OUTPUT_FORMATS, type OutputFormat } from '../job.js'
import type { OnError, OutputSpec } from '../task/task.js'
import { DEFAULT_MAX_BAD, type MaxBad } from './bad-record-limit.js'
import { DEFAULT_SPECULATION, type SpeculationPolicy } from './speculation.js'

const MIB = 1024 * 1024
const DEFAULT_SORT_BYTES = 64 * MIB
const LEAST_SORT_BYTES = MIB
/** Offsets in the buffer are 32 bits, and one array holds it all. */
const MOST_SORT_BYTES = 2047 * MIB

const DEFAULT_TASK_TIMEOUT_MS = 10 * 60 * 1000
const DEFAULT_QUIET_MS = 60 * 1000

/** HDFS refuses blocks of any other size. */
const BYTES_PER_CHECKSUM = 512

/** How a job is run: what `run-job` takes as flags. */
export interface RunOptions {
  /** URIs of folders, pictures, globs, MapFiles, SequenceFiles, job outputs. */
  input: string | readonly string[]
  /** URI of the folder to make. @default `<input>.<job>` beside the only input */
  output?: string
  /** Where tasks run: on this machine, or on the workers of a fleet. @default 'local' */
  engine?: Engine
  /** URI of the fleet's Redis. @default PIXELREDUCE_REDIS */
  redis?: string
  /** Name under which the fleet keeps its keys in Redis. @default 'pixelreduce' */
  fleet?: string
  /** Of a fleet's job: its share beside other jobs. @default 1 */
  priority?: number
  /** Of a fleet's job: attempts that may run at once. @default as many as there are slots */
  maxWorkers?: number
  /** The job's own params. @default those of its schema */
  params?: Record<string, unknown>
  /** Pictures worked on at once. @default one per core */
  workers?: number
  /** Bytes of input per map task. @default from the size of the input */
  splitBytes?: number
  /** Map tasks, instead of `splitBytes`. */
  splits?: number
  /**
   * Reducers, and parts of the output. A job without a reducer of its own gets its records spread by the
   * hash of their keys, and sorted. @default the job's own number, else from the size of the input
   */
  reducers?: number
  /**
   * Keys of the output: those of the pictures, or their MD5 in hex with the names in an output `_names`. For
   * jobs without a reducer of their own. @default 'name'
   */
  key?: 'name' | 'hash'
  /** Bytes of a map task's sort buffer, and of what a reducer's merge holds. @default 67108864 (64 MiB) */
  sortBytes?: number
  /** Codec that map output is compressed with on its way to the reducers. @default none */
  mapOutputCodec?: string
  /** Of the output: a MapFile, a SequenceFile, lines of text or of JSON. @default the job's own, else 'mapfile' */
  outputFormat?: OutputFormat
  /** Neighbouring small parts are joined up to this size. @default 134217728 (128 MiB) */
  partBytes?: number
  /** Records from one index entry to the next. @default 1 */
  indexInterval?: number
  /** Of the output's records: none, each value by itself, or many records together. @default 'none' */
  compression?: OutputCompression
  /** Codec of a compressed output: default (which is zlib), deflate, gzip, snappy, lz4 or zstd. @default 'default' */
  codec?: string
  /** Writes Hadoop's `.crc` sidecars on local disks. @default false */
  crc?: boolean
  /** Bytes of a block of the output's files, a multiple of 512, on HDFS. @default the server's own */
  blockSize?: number
  /** Copies of each block of the output's files, on HDFS. @default the server's own */
  replication?: number
  /** What becomes of a bad record. @default 'quarantine' */
  onError?: OnError
  /** Bad records after which the job fails. @default 1%, at least 10 */
  maxBad?: MaxBad
  /** What becomes of records with the key of another: kept in the order of the input, or the job fails. @default 'keep' */
  duplicateKeys?: 'keep' | 'refuse'
  /** Replaces an existing output once the new one is whole. @default false */
  overwrite?: boolean
  /**
   * Goes on with a run of the same job that was killed, keeping the tasks that are committed; a finished
   * one is returned as it is. @default false
   */
  resume?: boolean
  /** Globs of the files to take from folders. @default pictures by their extension */
  include?: readonly string[]
  /** Globs of the files to leave. @default none */
  exclude?: readonly string[]
  /** Keys of the only records to work on, as messages and the quarantine name them. @default all */
  only?: string | readonly string[]
  /** Keys of the only groups to reduce, as messages name them; all records are mapped. @default all */
  reduceOnly?: string | readonly string[]
  /** URI of the folder for the job's history. @default PIXELREDUCE_HISTORY_DIR, else one in the user's home */
  historyDir?: string
  /** Id of the job whose quarantine is the input: what comes of it is put into that job's output. @default none */
  retryOf?: string
  limits?: Partial<ImageLimits>
  /** Bytes that pictures being decoded may take together. @default half of the machine's memory */
  memoryBytes?: number
  /**
   * Where attempts run: on threads of this process, or each in a process of its own, so that what crashes or
   * hangs in native code ends an attempt and not the job. @default 'thread'
   */
  isolation?: Isolation
  /** Milliseconds without progress after which an attempt is ended; 0 for never. @default 600000, as in Hadoop */
  taskTimeoutMs?: number
  /** Milliseconds that one record may take in map before it is set aside. @default no limit */
  recordTimeoutMs?: number
  /** Starts second attempts at slow tasks; the first commit wins. @default true */
  speculation?: boolean | Partial<SpeculationPolicy>
  /** Milliseconds without any progress after which the job tells what it waits for. @default 60000 */
  quietMs?: number
  /** Kills the job. */
  signal?: AbortSignal
}

/** What `--engine` takes. */
export type Engine = (typeof ENGINES)[number]
export const ENGINES = ['local', 'cluster'] as const

/** What `--isolation` takes. */
export type Isolation = (typeof ISOLATIONS)[number]
export const ISOLATIONS = ['thread', 'process'] as const

/** What `--compression` takes. */
export type OutputCompression = (typeof OUTPUT_COMPRESSIONS)[number]
export const OUTPUT_COMPRESSIONS = ['none', 'record', 'block'] as const

/** {@link RunOptions} with nothing left open. */
export interface ResolvedOptions {
  reducers: number | undefined
  key: 'name' | 'hash'
  sortBytes: number
  mapOutputCodec: string | undefined
  outputFormat: OutputFormat | undefined
  partBytes: number
  indexInterval: number
  compression: OutputCompression
  /** Undefined with `none`. */
  codec: string | undefined
  crc: boolean
  blockSize: number | undefined
  replication: number | undefined
  onError: OnError
  maxBad: MaxBad
  overwrite: boolean
  duplicateKeys: 'keep' | 'refuse'
  limits: ImageLimits
  splitBytes: number | undefined
  splits: number | undefined
  include: readonly string[]
  exclude: readonly string[]
  isolation: Isolation
  /** 0 for never. */
  taskTimeoutMs: number
  recordTimeoutMs: number | undefined
  speculation: SpeculationPolicy | false
  quietMs: number
  only: readonly string[] | undefined
  reduceOnly: readonly string[] | undefined
  retryOf: string | undefined
}

/** @throws UsageError naming the option that is wrong. */
export function resolveOptions(options: RunOptions): ResolvedOptions {
  for (const name of [
    'workers',
    'maxWorkers',
    'priority',
    'splitBytes',
    'splits',
    'partBytes',
    'reducers',
    'sortBytes',
    'indexInterval',
    'memoryBytes',
    'blockSize',
    'replication',
    'recordTimeoutMs',
    'quietMs',
  ] as const) {
    const value = options[name]
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue
    throw new UsageError(`Cannot run the job: ${name} is ${value}, it must be a whole number above 0`)
  }
  if (options.splits !== undefined && options.splitBytes !== undefined) {
    throw new UsageError('Cannot run the job: splits and split size are given both; give one of them')
  }
  if (options.blockSize !== undefined && options.blockSize % BYTES_PER_CHECKSUM !== 0) {
    throw new UsageError(
      `Cannot run the job: the block size is ${options.blockSize}, it must be a multiple of ${BYTES_PER_CHECKSUM}, the bytes that one of HDFS's checksums covers`,
    )
  }
  const { taskTimeoutMs = DEFAULT_TASK_TIMEOUT_MS, recordTimeoutMs, speculation = true } = options
  if (!Number.isSafeInteger(taskTimeoutMs) || taskTimeoutMs < 0) {
    throw new UsageError(
      `Cannot run the job: taskTimeoutMs is ${taskTimeoutMs}, it must be a whole number, 0 for no limit`,
    )
  }
  if (options.isolation !== undefined && !ISOLATIONS.includes(options.isolation)) {
    throw new UsageError(
      `Cannot run the job: isolation is ${options.isolation}, it must be one of ${ISOLATIONS.join(', ')}`,
    )
  }
  const { sortBytes = DEFAULT_SORT_BYTES, mapOutputCodec } = options
  if (sortBytes < LEAST_SORT_BYTES || sortBytes > MOST_SORT_BYTES) {
    throw new UsageError(
      `Cannot run the job: the sort buffer is ${sortBytes}, it must be from ${LEAST_SORT_BYTES} to ${MOST_SORT_BYTES} bytes`,
    )
  }
  if (mapOutputCodec !== undefined && !writingCodecs.includes(mapOutputCodec)) {
    throw new UsageError(
      `Cannot run the job: the codec of the map output is ${mapOutputCodec}, it must be one of ${writingCodecs.join(', ')}`,
    )
  }
  if (options.outputFormat !== undefined && !OUTPUT_FORMATS.includes(options.outputFormat)) {
    throw new UsageError(
      `Cannot run the job: the output format is ${options.outputFormat}, it must be one of ${OUTPUT_FORMATS.join(', ')}`,
    )
  }
  return {
    reducers: options.reducers,
    key: options.key ?? 'name',
    sortBytes,
    mapOutputCodec,
    outputFormat: options.outputFormat,
    partBytes: options.partBytes ?? 128 * 1024 * 1024,
    indexInterval: options.indexInterval ?? 1,
    compression: options.compression ?? 'none',
    codec: resolveCodec(options),
    crc: options.crc ?? false,
    blockSize: options.blockSize,
    replication: options.replication,
    onError: options.onError ?? 'quarantine',
    maxBad: options.maxBad ?? DEFAULT_MAX_BAD,
    overwrite: options.overwrite ?? false,
    duplicateKeys: options.duplicateKeys ?? 'keep',
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    splitBytes: options.splitBytes,
    splits: options.splits,
    isolation: options.isolation ?? 'thread',
    taskTimeoutMs,
    recordTimeoutMs,
    speculation: speculation && { ...DEFAULT_SPECULATION, ...(speculation === true ? {} : speculation) },
    quietMs: options.quietMs ?? DEFAULT_QUIET_MS,
    include: options.include ?? [],
    exclude: options.exclude ?? [],
    only: typeof options.only === 'string' ? [options.only] : options.only,
    reduceOnly: typeof options.reduceOnly === 'string' ? [options.reduceOnly] : options.reduceOnly,
    retryOf: options.retryOf,
  }
}

/**
 * How the output is compressed, once it is sure that this can be done here: an optional package that is
 * missing shows before any work.
 * @throws MissingPackageError
 */
export async function outputCompression(
  options: ResolvedOptions,
): Promise<Pick<OutputSpec, 'compression' | 'codec'>> {
  const { codec } = options
  if (codec === undefined) return { compression: 'NONE' }
  const { className } = await loadWritingCodec(codec)
  return { compression: options.compression === 'block' ? 'BLOCK' : 'RECORD', codec: className }
}

function resolveCodec({ compression = 'none', codec }: RunOptions): string | undefined {
  if (!OUTPUT_COMPRESSIONS.includes(compression)) {
    throw new UsageError(
      `Cannot run the job: compression is ${compression}, it must be one of ${OUTPUT_COMPRESSIONS.join(', ')}`,
    )
  }
  if (compression === 'none') {
    if (codec === undefined) return undefined
    throw new UsageError(
      `Cannot run the job: the codec is ${codec} and nothing is compressed; say --compression record or --compression block as well`,
    )
  }
  if (codec === undefined) return 'default'
  if (writingCodecs.includes(codec)) return codec
  throw new UsageError(
    codec === 'bzip2'
      ? 'Cannot run the job: the codec is bzip2, which can only be read here; zstd compresses about as well'
      : `Cannot run the job: the codec is ${codec}, it must be one of ${writingCodecs.join(', ')}`,
  )
}

const writingCodecs = codecNames.filter((name) => name !== 'bzip2')
