import { UsageError } from '../../errors.js'
import { DEFAULT_LIMITS, type ImageLimits } from '../../image/limits.js'
import { codecNames, loadWritingCodec } from '../../io/codecs/index.js'
import type { OnError, OutputSpec } from '../task/task.js'
import { DEFAULT_MAX_BAD, type MaxBad } from './bad-record-limit.js'

/** How a job is run: what `run-job` takes as flags. */
export interface RunOptions {
  /** URIs of folders, pictures, globs, MapFiles, SequenceFiles, job outputs. */
  input: string | readonly string[]
  /** URI of the folder to make. @default `<input>.<job>` beside the only input */
  output?: string
  /** The job's own params. @default those of its schema */
  params?: Record<string, unknown>
  /** Pictures worked on at once. @default one per core */
  workers?: number
  /** Bytes of input per map task. @default from the size of the input */
  splitBytes?: number
  /** Map tasks, instead of `splitBytes`. */
  splits?: number
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
  /** What becomes of a bad record. @default 'quarantine' */
  onError?: OnError
  /** Bad records after which the job fails. @default 1%, at least 10 */
  maxBad?: MaxBad
  /** What becomes of records with the key of another: kept in the order of the input, or the job fails. @default 'keep' */
  duplicateKeys?: 'keep' | 'refuse'
  /** Replaces an existing output once the new one is whole. @default false */
  overwrite?: boolean
  /** Globs of the files to take from folders. @default pictures by their extension */
  include?: readonly string[]
  /** Globs of the files to leave. @default none */
  exclude?: readonly string[]
  limits?: Partial<ImageLimits>
  /** Bytes that pictures being decoded may take together. @default half of the machine's memory */
  memoryBytes?: number
  /** Kills the job. */
  signal?: AbortSignal
}

/** What `--compression` takes. */
export type OutputCompression = (typeof OUTPUT_COMPRESSIONS)[number]
export const OUTPUT_COMPRESSIONS = ['none', 'record', 'block'] as const

/** {@link RunOptions} with nothing left open. */
export interface ResolvedOptions {
  partBytes: number
  indexInterval: number
  compression: OutputCompression
  /** Undefined with `none`. */
  codec: string | undefined
  crc: boolean
  onError: OnError
  maxBad: MaxBad
  overwrite: boolean
  duplicateKeys: 'keep' | 'refuse'
  limits: ImageLimits
  splitBytes: number | undefined
  splits: number | undefined
  include: readonly string[]
  exclude: readonly string[]
}

/** @throws UsageError naming the option that is wrong. */
export function resolveOptions(options: RunOptions): ResolvedOptions {
  for (const name of [
    'workers',
    'splitBytes',
    'splits',
    'partBytes',
    'indexInterval',
    'memoryBytes',
  ] as const) {
    const value = options[name]
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue
    throw new UsageError(`Cannot run the job: ${name} is ${value}, it must be a whole number above 0`)
  }
  if (options.splits !== undefined && options.splitBytes !== undefined) {
    throw new UsageError('Cannot run the job: splits and split size are given both; give one of them')
  }
  return {
    partBytes: options.partBytes ?? 128 * 1024 * 1024,
    indexInterval: options.indexInterval ?? 1,
    compression: options.compression ?? 'none',
    codec: resolveCodec(options),
    crc: options.crc ?? false,
    onError: options.onError ?? 'quarantine',
    maxBad: options.maxBad ?? DEFAULT_MAX_BAD,
    overwrite: options.overwrite ?? false,
    duplicateKeys: options.duplicateKeys ?? 'keep',
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    splitBytes: options.splitBytes,
    splits: options.splits,
    include: options.include ?? [],
    exclude: options.exclude ?? [],
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
