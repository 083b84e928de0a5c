import { type PixelreduceError, UsageError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { Text } from '../../io/writables/index.js'
import type { Job } from '../job.js'
import type { SuccessFile } from '../output/success-file.js'
import { classesOf } from '../record-classes.js'
import { BUNDLE_FILE, PARTITION_FILE } from '../task/layout.js'
import type { JobSpec, OutputSpec, ShuffleSpec } from '../task/task.js'
import type { OpenedJob } from './open-job.js'
import type { ResolvedOptions } from './options.js'
import type { Plan } from './plan.js'
import type { JobIdentity, StoredPlan } from './resume.js'

/** Input of one reducer, where nobody says how many there are. */
const REDUCER_BYTES = 1024 * 1024 * 1024
const MOST_REDUCERS = 999

export interface JobRunSpec {
  jobId: string
  opened: OpenedJob
  /** The params as they were given, and as the schema completed them. */
  params: { given: unknown; complete: unknown }
  inputs: readonly string[]
  output: Location
  jobFolder: Location
  options: ResolvedOptions
  version: SuccessFile['version']
  /** Where the job's history is written. */
  history: Location
  /**
   * Folders that were made for the job's folder, innermost first, by whoever has made it already. @default this
   * driver makes it
   */
  folderParents?: readonly string[]
  /** Of a fleet's job: who handed it in, and from where. */
  client?: { user: string; host: string }
  /** What must hold before the input is looked at. */
  beforePlanning?(): Promise<void>
  /** What an earlier driver of the job left, to go on with. */
  earlier?: StoredPlan
  /** This driver has its number, and earlier ones may do nothing more. */
  onEpoch?(epoch: number): Promise<void>
  /** Whether another driver may do better after this failure of this one. @default never */
  handsOver?(error: PixelreduceError, epoch: number): boolean
}

/** By what a later run is known for the same job. */
export function identityOf({
  opened,
  params,
  inputs,
}: Pick<JobRunSpec, 'opened' | 'params' | 'inputs'>): JobIdentity {
  return { job: opened.job.name, params: params.complete, inputs, version: opened.version }
}

/** What every task of the job is told. */
export function jobSpec(
  { jobId, opened, params, jobFolder, options }: JobRunSpec,
  plan: Plan,
  compression: Pick<OutputSpec, 'compression' | 'codec'>,
  epoch: number,
): JobSpec {
  const { job } = opened
  const bundle = { fs: jobFolder.fs, path: joinPath(jobFolder.path, BUNDLE_FILE) }
  const shuffle = shuffleSpec(job, plan, options)
  return {
    jobId,
    name: job.name,
    module: opened.bundle === undefined ? opened.module : uriOf(bundle),
    params: params.given,
    jobFolder: uriOf(jobFolder),
    epoch,
    output: {
      format: options.outputFormat ?? job.output.format ?? 'mapfile',
      ...classesOf(job.output),
      syncMarker: plan.syncMarker,
      indexInterval: options.indexInterval,
      crc: options.crc,
      ...(options.blockSize === undefined ? {} : { blockSize: options.blockSize }),
      ...(options.replication === undefined ? {} : { replication: options.replication }),
      ...compression,
    },
    ...(shuffle ? { shuffle } : {}),
    onError: options.onError,
    limits: options.limits,
    ...(options.taskTimeoutMs === 0 ? {} : { taskTimeoutMs: options.taskTimeoutMs }),
    ...(options.recordTimeoutMs === undefined ? {} : { recordTimeoutMs: options.recordTimeoutMs }),
    ...(options.reduceOnly ? { reduceOnly: options.reduceOnly } : {}),
  }
}

/** Undefined for a job without reducers. Their number follows from the data and the options alone. */
function shuffleSpec(job: Job, plan: Plan, options: ResolvedOptions): ShuffleSpec | undefined {
  const hashesKeys = options.key === 'hash'
  if (hashesKeys && (job.reduce || job.output.key.className !== Text.className)) {
    throw new UsageError(
      `Cannot hash the keys of ${job.name}: only a job without a reducer, whose keys are Text, takes --key hash`,
    )
  }
  if (options.reduceOnly && !job.reduce) {
    throw new UsageError(
      `Cannot reduce some keys of ${job.name} alone: it has no reducer; --only reads some records`,
    )
  }
  const areSorted = job.reduce !== undefined || hashesKeys || (options.reducers ?? job.reducers) !== undefined
  if (!areSorted) return undefined
  const byBytes = Math.min(MOST_REDUCERS, Math.max(1, Math.ceil(plan.bytes / REDUCER_BYTES)))
  const partitions = options.reducers ?? job.reducers ?? byBytes
  return {
    partitions,
    sortBytes: options.sortBytes,
    ...(hashesKeys ? { hashesKeys } : {}),
    ...(options.mapOutputCodec === undefined ? {} : { codec: options.mapOutputCodec }),
    ...(job.partition === 'total-order' && partitions > 1 ? { partitionFile: PARTITION_FILE } : {}),
  }
}
