import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { exists } from '../fs/exists.js'
import { resolveUri, uriOf } from '../fs/resolve.js'
import { jobSpec } from '../mapreduce/driver/job-spec.js'
import type { OpenedJob } from '../mapreduce/driver/open-job.js'
import { outputCompression, type ResolvedOptions, type RunOptions } from '../mapreduce/driver/options.js'
import { type PlannedInput, planJob } from '../mapreduce/driver/plan.js'
import { historyFolder } from '../mapreduce/history/history-folder.js'
import type { InputSplit } from '../mapreduce/input/input-format.js'
import type { Job } from '../mapreduce/job.js'
import type { SuccessFile } from '../mapreduce/output/success-file.js'
import { mapTaskId } from '../mapreduce/task/layout.js'
import { READ_AHEAD_BYTES } from '../mapreduce/task/map-task.js'
import { machineMemory } from './machine.js'
import { checkedCall, versions } from './prepared-job.js'

/** What a job would do. */
export interface Explanation {
  job: string
  /** With every default filled in. */
  params: unknown
  version: SuccessFile['version']
  inputs: PlannedInput[]
  /** Records of the input, where that is known beforehand. */
  records?: number
  bytes: number
  /** Files that would be left, counted by their extension. */
  left: Record<string, number>
  splits: ExplainedSplit[]
  reducers: { count: number; why: string }
  memory: ExplainedMemory
  output: {
    uri: string
    /** Whether something is there already, which only `--overwrite` replaces. */
    exists: boolean
    format: string
    keyClass: string
    valueClass: string
    compression: string
    codec?: string
    partBytes: number
  }
}

export interface ExplainedSplit {
  taskId: string
  kind: InputSplit['kind']
  path: string
  start: number
  end: number
  bytes: number
  records?: number
  hosts: readonly string[]
  /** Of a picture that is cut: its key, and which of its bands, by their numbers: [first, next). */
  bands?: { key: string; first: number; next: number }
}

/** Bytes at the most, of all tasks that work at once. */
export interface ExplainedMemory {
  workers: number
  /** Tasks that work at once. */
  mapTasks: number
  reduceTasks: number
  threads: number
  readAhead: number
  sortBuffers: number
  merges: number
  decoding: number
  /** Of the stage that takes more. */
  total: number
}

/**
 * An allowance for a worker thread itself: its heap, the code, libvips. Idle ones were measured at 2 to 30 MiB;
 * the rest is what V8 lets garbage grow to.
 */
const THREAD_BYTES = 64 * 1024 * 1024

/**
 * Plans a job as {@link submitOpenedJob} would, and runs nothing; what the plan writes goes to a temporary
 * folder that is removed.
 * @throws UsageError for what is wrong with params, options or inputs.
 */
export async function explainJob(opened: OpenedJob, options: RunOptions): Promise<Explanation> {
  const { job } = opened
  const { inputs, params, output, options: resolved } = checkedCall(opened, options)
  const compression = await outputCompression(resolved)
  const folder = await mkdtemp(join(tmpdir(), 'pixelreduce-explain-'))
  try {
    const jobFolder = resolveUri(folder)
    const identity = { name: job.name, params: params.complete, input: job.input }
    const plan = await planJob(identity, inputs, jobFolder, resolved, output.fs)
    const version = versions(opened)
    const history = historyFolder(options.historyDir)
    const spec = { jobId: '', opened, params, inputs, output, jobFolder, options: resolved, version, history }
    const { shuffle, output: stored } = jobSpec(spec, plan, compression, 1)
    const reducers = shuffle?.partitions ?? 0
    const { format, keyClass, valueClass } = stored
    return {
      job: job.name,
      params: params.complete,
      version,
      inputs: plan.inputs,
      ...(plan.records === undefined ? {} : { records: plan.records }),
      bytes: plan.bytes,
      left: plan.left,
      splits: plan.splits.map(explainedSplit),
      reducers: { count: reducers, why: whyReducers(job, resolved) },
      memory: memoryOf(options, resolved, job, plan.splits.length, reducers),
      output: {
        uri: uriOf(output),
        exists: await exists(output),
        format,
        keyClass,
        valueClass,
        ...compression,
        partBytes: resolved.partBytes,
      },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function explainedSplit(split: InputSplit, number: number): ExplainedSplit {
  const { kind, path, start, end, length, records, hosts } = split
  return {
    taskId: mapTaskId(number),
    kind,
    path,
    start,
    end,
    bytes: length,
    ...(records === undefined ? {} : { records }),
    hosts,
    ...(split.kind === 'picture-bands'
      ? { bands: { key: split.key, first: split.first, next: split.next } }
      : {}),
  }
}

function whyReducers(job: Job, { reducers }: ResolvedOptions): string {
  if (reducers !== undefined) return '--reducers says so'
  if (!job.reduce) return 'the job has no reduce: what is mapped is written as it is'
  return job.reducers === undefined ? 'one for each GiB of the input' : 'the job itself says so'
}

function memoryOf(
  { workers = availableParallelism(), memoryBytes }: RunOptions,
  { sortBytes }: ResolvedOptions,
  job: Job,
  splits: number,
  reducers: number,
): ExplainedMemory {
  // One more than workers: it begins while another ends.
  const mapTasks = Math.min(splits, workers + 1)
  const reduceTasks = Math.min(reducers, workers + 1)
  const readAhead = mapTasks * READ_AHEAD_BYTES
  const sortBuffers = reducers > 0 ? mapTasks * sortBytes : 0
  const merges = reduceTasks * sortBytes
  const decoding = job.input.kind === 'pictures' ? (memoryBytes ?? Math.floor(machineMemory() / 2)) : 0
  const threads = workers * THREAD_BYTES
  const total = threads + Math.max(readAhead + sortBuffers + decoding, merges)
  return { workers, mapTasks, reduceTasks, threads, readAhead, sortBuffers, merges, decoding, total }
}
