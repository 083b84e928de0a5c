import { createHash } from 'node:crypto'
import { AuthenticationError, FormatError, JobDefinitionError, NotFoundError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { readJson, readText, writeText } from '../../fs/text.js'
import { type OpenedJob, openStoredJob } from '../../mapreduce/driver/open-job.js'
import type { ResolvedOptions } from '../../mapreduce/driver/options.js'
import type { SuccessFile } from '../../mapreduce/output/success-file.js'
import { BUNDLE_FILE } from '../../mapreduce/task/layout.js'
import { installedVersion } from '../../package-root.js'
import { requireSignature, signatureOf } from './signature.js'

/*
 * Besides the files that every job has in its folder (see mapreduce/task/layout.ts), one of a fleet has
 *
 *   submission.json              what was submitted, signed where the fleet has a secret
 *   specs/<attempt>.json         specs of attempts that don't follow from the plan
 *   outcomes/<attempt>.json      errors of attempts, and reports of those that commit nothing
 */
const SUBMISSION_FILE = 'submission.json'

/** Folders of a fleet's job in its folder, besides those of every job. */
export const FLEET_FOLDERS = ['specs', 'outcomes']

/** What a client hands to the fleet: all that a driver needs to begin the job. */
export interface Submission {
  jobId: string
  /** URI of the job's folder: what was signed for one folder is worth nothing in another. */
  folder: string
  /** The job's name and its module, a built-in one's name or where its bundle came from. */
  job: { name: string; module: string; version: string }
  /** SHA-256 of the bundle beside; missing for a built-in job. */
  bundle?: string
  /** Versions of the packages that it gets from where it runs, by their names. */
  packages?: Record<string, string>
  params: { given: unknown; complete: unknown }
  /** URIs. */
  inputs: string[]
  output: string
  history: string
  options: ResolvedOptions
  version: SuccessFile['version']
  /** Folders that were made for the job's own, to be removed with it; innermost first. */
  parents: string[]
  user: string
  host: string
  /** ISO 8601. */
  submitted: string
  priority: number
  /** Attempts that may run at once; missing for as many as there are slots. */
  maxWorkers?: number
}

interface SubmissionFile {
  submission: Submission
  signature?: string
}

/** Writes the submission and the bundle beside it, of which the submission has the digest. */
export async function writeSubmission(
  { fs, path }: Location,
  submission: Submission,
  bundle: string | undefined,
  secret: string | undefined,
): Promise<void> {
  if (bundle !== undefined) await writeText(fs, joinPath(path, BUNDLE_FILE), bundle)
  const file: SubmissionFile = {
    submission,
    ...(secret === undefined ? {} : { signature: signatureOf(secret, JSON.stringify(submission)) }),
  }
  await writeText(fs, joinPath(path, SUBMISSION_FILE), `${JSON.stringify(file)}\n`)
}

export function digestOf(bundle: string): string {
  return createHash('sha256').update(bundle).digest('hex')
}

/**
 * The submission in a job's folder.
 * @param jobId under which the job is known: what was submitted once can't be run as another job
 * @throws NotFoundError when there is none to be seen from here; AuthenticationError when it is another job's, or
 *   there is a secret and it was not signed with it; FormatError when it is cut off.
 */
export async function readSubmission(
  folder: Location,
  jobId: string,
  secret: string | undefined,
): Promise<Submission> {
  const path = joinPath(folder.path, SUBMISSION_FILE)
  const file = await readJson<SubmissionFile>(folder.fs, path).catch((error) => {
    if (error instanceof SyntaxError) {
      throw new FormatError(`Cannot read ${path}: it is not the JSON that a client writes`, { cause: error })
    }
    throw error
  })
  if (!file)
    throw new NotFoundError(`Cannot find the job in ${uriOf(folder)}: there is no ${SUBMISSION_FILE}`)
  const { submission, signature } = file
  if (secret !== undefined) {
    requireSignature(secret, JSON.stringify(submission), signature, `the job in ${uriOf(folder)}`)
    if (submission.folder !== uriOf(folder)) {
      throw new AuthenticationError(
        `Cannot run the job in ${uriOf(folder)}: it was signed for ${submission.folder}`,
      )
    }
  }
  if (submission.jobId !== jobId) {
    throw new AuthenticationError(
      `Cannot run ${jobId} from ${uriOf(folder)}: ${submission.jobId} was submitted there`,
    )
  }
  return submission
}

/**
 * The code of a submitted job, as it was submitted.
 * @throws AuthenticationError when the bundle is another one; JobDefinitionError when this installation has
 *   another version of a built-in job.
 */
export async function openSubmittedJob(submission: Submission): Promise<OpenedJob> {
  return openStoredJob(submission.job, await requireSubmittedCode(submission))
}

/**
 * Makes sure that a submitted job's code can run here, without running any of it.
 * @returns the bundle of a job that is not built in
 * @throws what {@link openSubmittedJob} throws
 */
export async function requireSubmittedCode({
  job,
  bundle,
  packages = {},
  folder,
}: Submission): Promise<string | undefined> {
  if (bundle === undefined) {
    await openStoredJob(job)
    return undefined
  }
  const { fs, path } = resolveUri(folder)
  const text = await readText(fs, joinPath(path, BUNDLE_FILE))
  if (text === undefined) throw new NotFoundError(`Cannot load ${job.name}: ${folder} has no ${BUNDLE_FILE}`)
  if (digestOf(text) !== bundle) {
    throw new AuthenticationError(
      `Cannot run ${job.name}: the bundle in ${folder} is not the one that was submitted`,
    )
  }
  for (const [name, version] of Object.entries(packages)) {
    const own = installedVersion(name)
    if (own === version) continue
    throw new JobDefinitionError(
      `Cannot run ${job.name}: it was submitted with ${name} ${version}, and here ${own === undefined ? 'it is not installed' : `is ${own}`}`,
    )
  }
  return text
}

export function specFile(folder: string, attempt: string): string {
  return joinPath(folder, 'specs', `${attempt}.json`)
}

export function outcomeFile(folder: string, attempt: string): string {
  return joinPath(folder, 'outcomes', `${attempt}.json`)
}
