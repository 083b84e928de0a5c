import { FormatError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import type { Location } from '../../fs/resolve.js'
import { readText } from '../../fs/text.js'
import type { CounterSums } from '../counters.js'
import type { OutputFormat } from '../job.js'
import type { Ledger } from '../ledger.js'
import { SUCCESS_FILE } from '../task/layout.js'
import type { PartReport } from '../task/task.js'

/** `_SUCCESS`: what a finished job says of itself, and what `ls`, `get` and `verify` go by. */
export interface SuccessFile {
  format: 1
  jobId: string
  job: string
  /** With every default filled in. */
  params: unknown
  version: { pixelreduce: string; node: string; sharp: string; job: string }
  inputs: string[]
  ledger: Ledger
  counters: { bytesIn: number; bytesOut: number; duplicateKeys: number }
  /** Hadoop's counters and the job's own, by group and name; missing in outputs of earlier versions. */
  counterGroups?: CounterSums
  /** How the records are stored; missing in outputs of versions that knew MapFiles alone. */
  outputFormat?: OutputFormat
  /** Java class names; missing with Text and BytesWritable in outputs of earlier versions. */
  keyClass?: string
  valueClass?: string
  /** Records from one index entry to the next. */
  indexInterval: number
  /** As in the header of each part's data; missing in outputs of versions that knew NONE alone. */
  compression?: 'NONE' | 'RECORD' | 'BLOCK'
  /** Java class name; missing with NONE. */
  codec?: string
  syncMarker: string
  /** How keys are spread over the parts; by it a lookup finds the one to open. */
  partitioning: 'ranges' | 'hash' | 'overlapping'
  parts: SuccessPart[]
  /** Parts of the job's further outputs, by their names. */
  outputs?: Record<string, SuccessPart[]>
  /** How those are stored. */
  outputFormats?: Record<string, OutputFormat>
  quarantine: SuccessPart[]
  /** Later jobs that put into this output what its first job had set aside. */
  retries?: { jobId: string; params: unknown; version: SuccessFile['version']; ledger: Ledger }[]
}

export interface SuccessPart extends Omit<PartReport, 'duplicateKeys' | 'firstDuplicate'> {
  name: string
}

/**
 * The `_SUCCESS` of an output of ours; undefined where there is none, or where Hadoop left it empty.
 * @throws FormatError when it is something else.
 */
export async function readSuccess(output: Location): Promise<SuccessFile | undefined> {
  const path = joinPath(output.path, SUCCESS_FILE)
  const text = await readText(output.fs, path)
  if (!text) return undefined
  try {
    const success = JSON.parse(text) as SuccessFile
    if (Array.isArray(success?.parts)) return success
  } catch {}
  throw new FormatError(`Cannot read ${path}: it is not the JSON that a job leaves`, {
    details: { file: path },
  })
}
