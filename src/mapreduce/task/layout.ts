import { baseName, joinPath, parentOf } from '../../fs/path.js'
import type { Location } from '../../fs/resolve.js'

/*
 * While a job runs, all its files lie in one hidden folder beside the output:
 *
 *   <parent>/.<name>.<job id>/
 *     plan.json                    splits and spec
 *     epoch-<n>                    empty; the driver with the highest may commit
 *     job.mjs                      the bundle of a user's job
 *     input-<epoch>/input-<n>.jsonl   the listing of an input that is a folder of files
 *     attempts/<task>_<attempt>/   what an attempt writes: part/, quarantine/, report.json
 *     committed/<task>/            an attempt's folder, renamed: a committed task
 *     output/                      put together at the end and renamed to <parent>/<name>
 *
 * and of the output:
 *
 *   part-m-00000/{data,index,_checksum}
 *   _quarantine/part-m-00000/{data,index,_checksum,_reasons.jsonl}
 *   _logs/history/<job id>.jsonl
 *   _SUCCESS
 */

export const SUCCESS_FILE = '_SUCCESS'
export const QUARANTINE_FOLDER = '_quarantine'
export const REASONS_FILE = '_reasons.jsonl'
export const REPORT_FILE = 'report.json'
export const PLAN_FILE = 'plan.json'
export const BUNDLE_FILE = 'job.mjs'

/** Folders that an attempt writes, under its own. */
export const ATTEMPT_PART = 'part'
export const ATTEMPT_QUARANTINE = 'quarantine'

/** A map task's sorted output for the reducers; see shuffle/spill-file.ts. */
export const MAP_OUTPUT_FILE = 'file.out'

/** Where the keys are at which one partition ends and the next begins, for total order; Hadoop's name. */
export const PARTITION_FILE = '_partition.lst'

export function jobFolderOf(output: Location, jobId: string): Location {
  const name = `.${baseName(output.path)}.${jobId}`
  return { fs: output.fs, path: joinPath(parentOf(output.path), name) }
}

/** How the names of an output's job folders begin. */
export function jobFolderPrefix(output: Location, idPrefix = JOB_ID_PREFIX): string {
  return `.${baseName(output.path)}.${idPrefix}`
}

export const JOB_ID_PREFIX = 'job_'

/** Of a chain of jobs, which has a folder as a job has; see driver/chain-folder.ts. */
export const CHAIN_ID_PREFIX = 'chain_'

/** Where a replaced output is put aside, and where that is written down before it happens. */
export function intentFileOf(output: Location): string {
  return joinPath(parentOf(output.path), `.${baseName(output.path)}.intent`)
}

/** Where the histories of the jobs that have made an output lie in it. */
export function historyCopies(output: Location): Location {
  return { fs: output.fs, path: joinPath(output.path, '_logs', 'history') }
}

export function listingFile(input: number): string {
  return `input-${input}.jsonl`
}

/** Of the listings of one driver: another one that was held up while it planned may still write its own. */
export function listingFolder(jobFolder: string, epoch: number): string {
  return joinPath(jobFolder, `input-${epoch}`)
}

/** @param epoch of the driver: those of an earlier one may still be at work */
export function attemptFolder(jobFolder: string, taskId: string, epoch: number, attempt: number): string {
  return joinPath(jobFolder, 'attempts', `${taskId}_${epoch}_${attempt}`)
}

export function committedFolder(jobFolder: string, taskId: string): string {
  return joinPath(jobFolder, 'committed', taskId)
}

export function outputFolder(jobFolder: string): string {
  return joinPath(jobFolder, 'output')
}

export function mapTaskId(number: number): string {
  return `m-${padded(number)}`
}

export function reduceTaskId(number: number): string {
  return `r-${padded(number)}`
}

export function sampleTaskId(number: number): string {
  return `s-${padded(number)}`
}

export function joinTaskId(number: number): string {
  return `j-${padded(number)}`
}

/** @param kind of the tasks that wrote the part */
export function partName(number: number, kind: 'm' | 'r' = 'm', output = 'part'): string {
  return `${output}-${kind}-${padded(number)}`
}

function padded(number: number): string {
  return String(number).padStart(5, '0')
}
