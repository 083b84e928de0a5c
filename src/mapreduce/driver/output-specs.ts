import picomatch from 'picomatch'
import { PermissionError, UsageError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import { isWithin, parentOf } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { rollForward } from '../output/replace-output.js'

/** Where a job writes when nobody says: `<input>.<job>` beside its only input. */
export function defaultOutput(inputs: readonly string[], job: string): string {
  const [input] = inputs
  if (inputs.length === 1 && input && !picomatch.scan(input).isGlob) {
    return uriOf(resolveUri(input)).concat(`.${job}`)
  }
  throw new UsageError('Cannot choose an output for several inputs or a glob: say --output')
}

/**
 * Fails before any work when the output can't be made: it exists and may not be replaced, or it and an
 * input lie within each other.
 * @throws UsageError
 */
export async function checkOutputSpecs(
  output: Location,
  inputs: readonly string[],
  overwrite: boolean,
): Promise<void> {
  for (const uri of inputs) {
    const input = resolveUri(uri)
    if (input.fs !== output.fs) continue
    const { base, isGlob } = picomatch.scan(input.path)
    const inputPath = isGlob ? base : input.path
    if (isWithin(output.path, inputPath) && !(isGlob && output.path !== inputPath)) {
      throw new UsageError(
        `Cannot write ${uriOf(output)}: it lies inside the input ${uri}; choose an --output outside of it`,
      )
    }
    if (isWithin(inputPath, output.path)) {
      throw new UsageError(`Cannot write ${uriOf(output)}: the input ${uri} lies inside it`)
    }
  }
  await rollForward(output)
  if (!(await exists(output)) || overwrite) return
  throw new UsageError(
    `Cannot write ${uriOf(output)}: it exists already; choose another --output, or --overwrite replaces it`,
  )
}

/** Folders in a job's own. */
export const JOB_FOLDERS = ['attempts', 'committed']

/**
 * Makes the job's hidden folder and the parents it needs.
 * @param folders to make in it
 * @returns the parents that were made, innermost first, so that a killed job can take them back.
 * @throws UsageError when nothing can be written there.
 */
export async function makeJobFolder(
  output: Location,
  jobFolder: Location,
  folders: readonly string[] = JOB_FOLDERS,
): Promise<string[]> {
  const { fs, path } = jobFolder
  const made: string[] = []
  for (let folder = parentOf(path); !(await exists({ fs, path: folder })); folder = parentOf(folder)) {
    made.push(folder)
  }
  try {
    await fs.mkdirs(parentOf(path))
    await fs.mkdir(path)
    for (const folder of folders) await fs.mkdir(`${path}/${folder}`)
  } catch (error) {
    // Half of it may be there; that it can't be removed is the lesser trouble.
    await removeJobFolder(jobFolder, made).catch(() => {})
    if (!(error instanceof PermissionError) && (error as { code?: string }).code !== 'NOT_FOUND') throw error
    throw new UsageError(`Cannot write ${uriOf(output)}: nothing can be made in ${parentOf(path)}`, {
      cause: error,
    })
  }
  return made
}

/** Removes what {@link makeJobFolder} made; parents only while they are empty. */
export async function removeJobFolder(jobFolder: Location, parents: readonly string[]): Promise<void> {
  await jobFolder.fs.delete(jobFolder.path, { recursive: true })
  for (const parent of parents) {
    const isKept = await jobFolder.fs.delete(parent).then(
      () => false,
      () => true,
    )
    if (isKept) return
  }
}
