import { AlreadyExistsError, FencedError, UsageError } from '../../errors.js'
import { listIfThere } from '../../fs/exists.js'
import { baseName, joinPath, parentOf } from '../../fs/path.js'
import { renameSurely } from '../../fs/rename-surely.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { readJson, writeText } from '../../fs/text.js'
import { rollForward } from '../output/replace-output.js'
import { readSuccess, type SuccessFile } from '../output/success-file.js'
import { jobFolderPrefix, PLAN_FILE } from '../task/layout.js'
import type { JobSpec } from '../task/task.js'
import type { ResolvedOptions } from './options.js'
import type { Plan } from './plan.js'

/** What makes two runs the same job. */
export interface JobIdentity {
  job: string
  /** Complete. */
  params: unknown
  inputs: readonly string[]
  /** Of the job's code. */
  version: string
}

/** `plan.json`: what a driver that takes the job over goes by. */
export interface StoredPlan {
  identity: JobIdentity
  job: JobSpec
  plan: Plan
  options: ResolvedOptions
}

/** What `--resume` finds at an output. */
export type Earlier =
  | { kind: 'finished'; success: SuccessFile }
  | { kind: 'unfinished'; jobFolder: Location; stored: StoredPlan }

/**
 * Looks for an earlier run of the same job with this output. Without a readable plan there is none: the
 * job had not begun.
 * @throws UsageError when what is there is a run of something else.
 */
export async function findEarlier(output: Location, identity: JobIdentity): Promise<Earlier | undefined> {
  await rollForward(output)
  const success = await readSuccess(output)
  for (const jobFolder of await jobFoldersOf(output)) {
    const stored = await readPlan(jobFolder)
    // One that was killed between the output's rename and the removal of its folder has done its work.
    if (!stored || stored.job.jobId === success?.jobId) continue
    // Those worked on a few records of this output's input, not on this job's.
    const { retryOf, only, reduceOnly } = stored.options
    if (retryOf !== undefined || only !== undefined || reduceOnly !== undefined) continue
    requireSame(output, identity, stored.identity)
    return { kind: 'unfinished', jobFolder, stored }
  }
  if (!success) return undefined
  const { job, params, inputs, version } = success
  requireSame(output, identity, { job, params, inputs, version: version.job })
  return { kind: 'finished', success }
}

/** Removes what killed drivers left beside a finished output: folders of its own job, and of jobs never begun. */
export async function removeLeftovers(output: Location, jobId: string): Promise<void> {
  for (const { fs, path } of await jobFoldersOf(output)) {
    const stored = await readPlan({ fs, path })
    const isOver = stored
      ? stored.job.jobId === jobId
      : Date.now() - (await fs.stat(path)).modifiedMs > PLANNING_MS
    if (isOver) await fs.delete(path, { recursive: true })
  }
}

/** A folder without a plan that is older than this is of a driver that was killed while it planned. */
export const PLANNING_MS = 10 * 60 * 1000

/**
 * Written aside and renamed, so that it is there whole or not at all, and never changes: of two drivers that
 * plan at the same time the first one plans for both.
 * @returns the plan that is there, for this driver
 */
export async function writePlan(jobFolder: Location, stored: StoredPlan): Promise<StoredPlan> {
  const { fs, path } = jobFolder
  const { epoch } = stored.job
  const aside = joinPath(path, `.${PLAN_FILE}-${epoch}`)
  await writeText(fs, aside, `${JSON.stringify(stored)}\n`, { unshared: true, durable: true })
  let there: StoredPlan | undefined
  await renameSurely(fs, aside, joinPath(path, PLAN_FILE), async () => {
    there = await readPlan(jobFolder)
    return there !== undefined
  })
  return there ? { ...there, job: { ...there.job, epoch } } : stored
}

/**
 * Makes this driver the one that may commit: each driver of a job takes the next number by an exclusive
 * create, and the highest counts.
 */
export async function takeEpoch({ fs, path }: Location): Promise<number> {
  for (let epoch = (await newestEpoch({ fs, path })) + 1; ; epoch++) {
    try {
      await writeText(fs, joinPath(path, epochFile(epoch)), '')
      return epoch
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error
    }
  }
}

/** @throws FencedError when another driver has taken the job over; what is in the folder is that one's then. */
export async function requireEpoch(jobFolder: Location, epoch: number): Promise<void> {
  const newest = await newestEpoch(jobFolder)
  if (newest === epoch) return
  const how =
    newest === 0
      ? 'the folder is gone, as when another driver has ended the job'
      : `another driver has taken the job over (epoch ${newest}, ours is ${epoch})`
  throw new FencedError(`Cannot go on with ${uriOf(jobFolder)}: ${how}`, { details: { epoch, newest } })
}

/** The folders of jobs whose output this is, the newest first; or of chains. */
export async function jobFoldersOf(output: Location, idPrefix?: string): Promise<Location[]> {
  const { fs, path } = output
  const prefix = jobFolderPrefix(output, idPrefix)
  const found: string[] = []
  for await (const entry of listIfThere({ fs, path: parentOf(path) })) {
    const name = baseName(entry.path)
    if (entry.type === 'directory' && name.startsWith(prefix) && !name.endsWith('.old'))
      found.push(entry.path)
  }
  return found.reverse().map((each) => ({ fs, path: each }))
}

/** Undefined where there is none, or one that was cut off. */
export async function readPlan({ fs, path }: Location): Promise<StoredPlan | undefined> {
  return readJson<StoredPlan>(fs, joinPath(path, PLAN_FILE)).catch((error) => {
    if (error instanceof SyntaxError) return undefined
    throw error
  })
}

const EPOCH = 'epoch-'

export function epochFile(epoch: number): string {
  return `${EPOCH}${epoch}`
}

async function newestEpoch(jobFolder: Location): Promise<number> {
  let newest = 0
  // The folder of a job that another driver has finished is gone.
  for await (const entry of listIfThere(jobFolder)) {
    const name = baseName(entry.path)
    if (name.startsWith(EPOCH)) newest = Math.max(newest, Number(name.slice(EPOCH.length)))
  }
  return newest
}

function requireSame(output: Location, wanted: JobIdentity, found: JobIdentity): void {
  const what = (Object.keys(wanted) as (keyof JobIdentity)[]).find(
    (each) => JSON.stringify(comparable(wanted[each])) !== JSON.stringify(comparable(found[each])),
  )
  if (!what) return
  const names = { job: 'job', params: 'params', inputs: 'input', version: "job's code" }
  const shown = (identity: JobIdentity) => JSON.stringify(identity[what])
  throw new UsageError(
    `Cannot resume ${uriOf(output)}: its ${names[what]} was ${shown(found)} and is ${shown(wanted)} now; choose another --output, or --overwrite without --resume begins anew`,
  )
}

/** Inputs that are the same place in other words are the same. */
function comparable(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.map((uri) => (typeof uri === 'string' ? uriOf(resolveUri(uri)) : uri))
}
