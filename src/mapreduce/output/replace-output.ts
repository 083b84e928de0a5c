import { AlreadyExistsError, NotFoundError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
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
 * With `overwrite` and an old output there, the steps are: write the intent, old aside, new in, old
 * deleted, intent deleted. A crash between any two of them is carried through by {@link rollForward}.
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
    await fs.rename(outputFolder(jobFolder), path)
    return
  } catch (error) {
    if (await isPublished(output, jobId)) return
    if (!(error instanceof AlreadyExistsError) || !overwrite) throw error
  }
  const intent: Intent = { jobId, jobFolder, aside: `${jobFolder}.old` }
  await writeText(fs, intentFileOf(output), JSON.stringify(intent), { durable: true })
  await carryOut(output, intent)
}

/** Carries through a replacement that was begun and not finished; true when there was one. */
export async function rollForward(output: Location): Promise<boolean> {
  const intent = await readJson<Intent>(output.fs, intentFileOf(output)).catch((error) => {
    // Cut off while it was written: nothing had been done by then.
    if (error instanceof SyntaxError) return undefined
    throw error
  })
  if (intent) await carryOut(output, intent)
  return intent !== undefined
}

/** Each step may have been done already, by us before a crash or by another command beside us. */
async function carryOut(output: Location, { jobId, jobFolder, aside }: Intent): Promise<void> {
  const { fs, path } = output
  if (!(await isPublished(output, jobId))) {
    await fs.rename(path, aside).catch(ignoreDone)
    await fs.rename(outputFolder(jobFolder), path).catch(async (error) => {
      if (!(await isPublished(output, jobId))) throw error
    })
  }
  await fs.delete(aside, { recursive: true })
  await fs.delete(jobFolder, { recursive: true })
  await fs.delete(intentFileOf(output))
}

function ignoreDone(error: unknown): void {
  if (error instanceof NotFoundError || error instanceof AlreadyExistsError) return
  throw error
}

async function isPublished({ fs, path }: Location, jobId: string): Promise<boolean> {
  const success = await readJson<SuccessFile>(fs, joinPath(path, SUCCESS_FILE)).catch(() => undefined)
  return success?.jobId === jobId
}
