import { joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import type { Job } from '../job.js'
import type { SuccessFile } from '../output/success-file.js'
import { BUNDLE_FILE, PARTITION_FILE } from '../task/layout.js'
import type { JobSpec, OutputSpec, ShuffleSpec } from '../task/task.js'
import type { OpenedJob } from './open-job.js'
import type { ResolvedOptions } from './options.js'
import type { Plan } from './plan.js'

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
}

/** What every task of the job is told. */
export function jobSpec(
  { jobId, opened, params, jobFolder, options }: JobRunSpec,
  plan: Plan,
  compression: Pick<OutputSpec, 'compression' | 'codec'>,
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
    output: {
      format: options.outputFormat ?? job.output.format ?? 'mapfile',
      keyClass: job.output.key.className,
      valueClass: job.output.value.className,
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
  }
}

/** Undefined for a job without reducers. Their number follows from the data and the options alone. */
function shuffleSpec(job: Job, plan: Plan, options: ResolvedOptions): ShuffleSpec | undefined {
  if (!job.reduce && options.reducers === undefined) return undefined
  const byBytes = Math.min(MOST_REDUCERS, Math.max(1, Math.ceil(plan.bytes / REDUCER_BYTES)))
  const partitions = options.reducers ?? job.reducers ?? byBytes
  return {
    partitions,
    sortBytes: options.sortBytes,
    ...(options.mapOutputCodec === undefined ? {} : { codec: options.mapOutputCodec }),
    ...(job.partition === 'total-order' && partitions > 1 ? { partitionFile: PARTITION_FILE } : {}),
  }
}
