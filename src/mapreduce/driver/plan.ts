import { createHash } from 'node:crypto'
import { type Location, resolveUri } from '../../fs/resolve.js'
import type { InputSplit } from '../input/input-format.js'
import { openInputs } from '../input/inputs.js'
import type { ResolvedOptions } from './options.js'

/** What a job will do: its input, divided. Written as `plan.json` before the first task runs. */
export interface Plan {
  splits: InputSplit[]
  /** Records of the whole input, where that is known beforehand. */
  records?: number
  bytes: number
  /** Files that are no pictures by their extension, counted by it. */
  left: Record<string, number>
  /** Hex; see {@link deriveSyncMarker}. */
  syncMarker: string
}

/** Tasks that the default split size aims at, so that a few cores end at about the same time. */
const AIM_TASKS = 64

/** Below this a task's own cost shows; a folder of 60 MB still makes fifteen tasks. */
const MIN_SPLIT_BYTES = 4 * 1024 * 1024

/** The same where each file that is opened or made costs a server tens of milliseconds. */
const MIN_REMOTE_SPLIT_BYTES = 16 * 1024 * 1024

/** The usual HDFS block. */
const MAX_SPLIT_BYTES = 128 * 1024 * 1024

/** Divides the input. The splits follow from the data and the options alone, never from the workers. */
export async function planJob(
  job: { name: string; params: unknown },
  uris: readonly string[],
  jobFolder: Location,
  options: ResolvedOptions,
): Promise<Plan> {
  const { inputs, left, records } = await openInputs(uris, jobFolder, options)
  const bytes = inputs.reduce((sum, input) => sum + input.totalBytes, 0)
  const isRemote = [jobFolder, ...inputs.map((input) => resolveUri(input.uri))].some(({ fs }) => fs.isRemote)
  const size = splitSize(bytes, isRemote ? MIN_REMOTE_SPLIT_BYTES : MIN_SPLIT_BYTES, options)
  const splits: InputSplit[] = []
  for (const input of inputs) {
    for await (const split of input.getSplits(size)) splits.push(split)
  }
  const fingerprints = inputs.map((input) => input.fingerprint)
  return {
    splits,
    ...(records === undefined ? {} : { records }),
    bytes,
    left: Object.fromEntries(left),
    syncMarker: deriveSyncMarker(job, fingerprints).toString('hex'),
  }
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
