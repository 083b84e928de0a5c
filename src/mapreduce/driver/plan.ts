import { createHash } from 'node:crypto'
import { type Location, resolveUri } from '../../fs/resolve.js'
import type { InputDefinition } from '../input/input-definition.js'
import type { InputSplit, JobInput } from '../input/input-format.js'
import { openInputs } from '../input/inputs.js'
import { onlySplits } from '../input/only-records.js'
import { cutIntoBands } from '../input/picture-bands.js'
import type { ResolvedOptions } from './options.js'

/** What a job will do: its input, divided. Written as `plan.json` before the first task runs. */
export interface Plan {
  splits: InputSplit[]
  inputs: PlannedInput[]
  /** Records of the whole input, where that is known beforehand. */
  records?: number
  bytes: number
  /** Files that were left, counted by their extension. */
  left: Record<string, number>
  /** Hex; see {@link deriveSyncMarker}. */
  syncMarker: string
}

/** One input, as a plan tells of it. */
export interface PlannedInput {
  uri: string
  kind: JobInput['kind']
  bytes: number
  splits: number
}

/** Tasks that the default split size aims at, so that a few cores end at about the same time. */
const AIM_TASKS = 64

/** Below this a task's own cost shows; a folder of 60 MB still makes fifteen tasks. */
const MIN_SPLIT_BYTES = 4 * 1024 * 1024

/** The same where each file that is opened or made costs a server tens of milliseconds. */
const MIN_REMOTE_SPLIT_BYTES = 16 * 1024 * 1024

/** The usual HDFS block. */
const MAX_SPLIT_BYTES = 128 * 1024 * 1024

/**
 * Divides the input. The splits follow from the data and the options alone, never from the workers.
 * @param outputFs where the job writes, if not beside its folder
 */
export async function planJob(
  job: { name: string; params: unknown; input: InputDefinition<unknown> },
  uris: readonly string[],
  jobFolder: Location,
  options: ResolvedOptions,
  outputFs = jobFolder.fs,
): Promise<Plan> {
  const { inputs, left, records } = await openInputs(uris, jobFolder, options, job.input)
  const bytes = inputs.reduce((sum, input) => sum + input.totalBytes, 0)
  const isRemote = [outputFs, ...inputs.map((input) => resolveUri(input.uri).fs)].some((fs) => fs.isRemote)
  const size = splitSize(bytes, isRemote ? MIN_REMOTE_SPLIT_BYTES : MIN_SPLIT_BYTES, options)
  const { only } = options
  const splits: InputSplit[] = []
  const planned: PlannedInput[] = []
  const { bands } = job.input
  for (const [number, input] of inputs.entries()) {
    const first = splits.length
    const given = input.getSplits(size)
    const { limits } = options
    const cut = bands && cutIntoBands(given, { input: number, bands, params: job.params, limits, only })
    for await (const split of cut ?? given) splits.push(split)
    const { uri, kind, totalBytes } = input
    planned.push({ uri, kind, bytes: totalBytes, splits: splits.length - first })
  }
  const fingerprints = inputs.map((input) => input.fingerprint)
  return {
    splits: only ? await onlySplits(splits, only, job.input) : splits,
    inputs: planned,
    ...(records === undefined || only ? {} : { records: bands ? recordsIn(splits) : records }),
    bytes,
    left: Object.fromEntries(left),
    syncMarker: deriveSyncMarker(job, fingerprints).toString('hex'),
  }
}

/** Of splits that all know how many they have. */
function recordsIn(splits: readonly InputSplit[]): number {
  return splits.reduce((sum, split) => sum + (split.records ?? 0), 0)
}

function splitSize(totalBytes: number, least: number, options: ResolvedOptions): number {
  if (options.splits !== undefined) return Math.max(1, Math.ceil(totalBytes / options.splits))
  if (options.splitBytes !== undefined) return options.splitBytes
  return Math.min(MAX_SPLIT_BYTES, Math.max(least, Math.ceil(totalBytes / AIM_TASKS)))
}

/**
 * The sync marker of the whole output, derived so that the same job over the same data gives the same
 * bytes. Hadoop draws it at random to keep it from standing in the data by chance; 16 bytes of a SHA-256
 * are as unlikely.
 */
function deriveSyncMarker(job: { name: string; params: unknown }, fingerprints: readonly string[]): Buffer {
  const identity = JSON.stringify([job.name, job.params, fingerprints])
  return createHash('sha256').update(identity).digest().subarray(0, 16)
}
