import { AlreadyExistsError, NotFoundError, PixelreduceError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import { joinPath } from '../../fs/path.js'
import { renameSurely } from '../../fs/rename-surely.js'
import type { Location } from '../../fs/resolve.js'
import { readJson, writeText } from '../../fs/text.js'
import { intentFileOf, outputFolder, SUCCESS_FILE } from '../task/layout.js'
import type { SuccessFile } from './success-file.js'

/** What `--overwrite` is about to do, written down before it is done. */
interface Intent {
  jobId: string
  jobFolder: string
  /** Where the old output goes until the new one is in. */
  aside: string
}

/**
 * Makes a job's finished output folder the output, by one rename.
 *
 * With `overwrite` and an old output there, the steps are: write the intent, old aside, new in. A crash
 * between any two of them is carried through by {@link rollForward}, which also removes the old output and
 * the intent afterwards. A failure puts the old output back.
 *
 * @throws AlreadyExistsError when an output is there and may not be replaced.
 */
export async function publishOutput(
  output: Location,
  jobFolder: string,
  jobId: string,
  overwrite: boolean,
): Promise<void> {
  const { fs, path } = output
  try {
    return await renameSurely(fs, outputFolder(jobFolder), path, () => isPublished(output, jobId))
  } catch (error) {
    if (!(error instanceof AlreadyExistsError) || !overwrite) throw error
  }
  const intent: Intent = { jobId, jobFolder, aside: `${jobFolder}.old` }
  try {
    await writeText(fs, intentFileOf(output), JSON.stringify(intent), { durable: true })
    await carryOut(output, intent)
  } catch (error) {
    // Where this fails too the intent stands, and the next command finds it.
    await takeBack(output, intent).catch(() => {})
    throw error
  }
}

/**
 * Carries through a replacement that was begun and not finished, and removes what it put aside; true when
 * there was one.
 */
export async function rollForward(output: Location): Promise<boolean> {
  const intent = await readJson<Intent>(output.fs, intentFileOf(output)).catch((error) => {
    // Cut off while it was written: nothing had been done by then.
    if (error instanceof SyntaxError) return undefined
    throw error
  })
  if (!intent) return false
  const { fs } = output
  const hasNew = await exists({ fs, path: outputFolder(intent.jobFolder) })
  if (hasNew) await carryOut(output, intent)
  if (hasNew || (await isPublished(output, intent.jobId))) {
    await fs.delete(intent.aside, { recursive: true })
    await fs.delete(intent.jobFolder, { recursive: true })
    await fs.delete(intentFileOf(output))
  } else {
    // The job failed, and what it had made is gone.
    await takeBack(output, intent)
  }
  return true
}

/** Each step may have been done already, by us before a crash or by another command beside us. */
async function carryOut(output: Location, intent: Intent): Promise<void> {
  const { fs, path } = output
  const { jobId, jobFolder, aside } = intent
  const isDone = () => isPublished(output, jobId)
  if (await isDone()) return
  await renameSurely(fs, path, aside, () => exists({ fs, path: aside })).catch(ignoreDone)
  try {
    await renameSurely(fs, outputFolder(jobFolder), path, isDone)
  } catch (error) {
    await putBack(output, intent).catch(() => {})
    // What was put aside and back may have been the new one, with another command beside us.
    if (!(await isDone().catch(() => false))) throw error
  }
}

async function takeBack(output: Location, intent: Intent): Promise<void> {
  await putBack(output, intent)
  await output.fs.delete(intentFileOf(output))
}

/** Puts the output that was put aside back where it was. */
async function putBack(output: Location, { aside }: Intent): Promise<void> {
  const { fs, path } = output
  const isBack = async () => !(await exists({ fs, path: aside })) && (await exists(output))
  await renameSurely(fs, aside, path, isBack).catch(ignoreDone)
}

function ignoreDone(error: unknown): void {
  if (error instanceof NotFoundError || error instanceof AlreadyExistsError) return
  throw error
}

async function isPublished({ fs, path }: Location, jobId: string): Promise<boolean> {
  const success = await readJson<SuccessFile>(fs, joinPath(path, SUCCESS_FILE)).catch((error) => {
    // A server that does not answer leaves the question open; anything else there is no output of this job.
    if (error instanceof PixelreduceError && error.retriable) throw error
    return undefined
  })
  return success?.jobId === jobId
}
