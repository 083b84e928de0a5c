import { randomBytes } from 'node:crypto'
import { statIfThere } from '../../fs/exists.js'
import { isWithin, joinPath } from '../../fs/path.js'
import { type Location, resolveUri } from '../../fs/resolve.js'
import { readJson, writeText } from '../../fs/text.js'
import { type DriverProcess, isRunning, thisProcess } from '../history/driver-process.js'
import { rollForward } from '../output/replace-output.js'
import { CHAIN_ID_PREFIX, jobFolderOf } from '../task/layout.js'
import { makeJobFolder, removeJobFolder } from './output-specs.js'
import { jobFoldersOf, PLANNING_MS, readPlan } from './resume.js'

/*
 * What lies between the jobs of a chain, in a hidden folder beside its output:
 *
 *   <parent>/.<name>.chain_<id>/
 *     driver.json     the process with which the chain ends; {} where its jobs go on without one
 *     step-<n>/       the output of a job, until the next one has read it
 */
const DRIVER_FILE = 'driver.json'

/**
 * @param outlives whether its jobs go on without this process, as those of a fleet do: then nobody else can
 * tell that the chain is over
 * @returns the folder, and the parents that were made for it, innermost first.
 */
export async function makeChainFolder(
  output: Location,
  outlives: boolean,
): Promise<{ folder: Location; parents: string[] }> {
  const folder = jobFolderOf(output, `${CHAIN_ID_PREFIX}${randomBytes(6).toString('hex')}`)
  const parents = await makeJobFolder(output, folder, [])
  try {
    const driver = outlives ? {} : thisProcess()
    await writeText(folder.fs, joinPath(folder.path, DRIVER_FILE), JSON.stringify(driver))
  } catch (error) {
    await removeJobFolder(folder, parents).catch(() => {})
    throw error
  }
  return { folder, parents }
}

export function stepFolder({ fs, path }: Location, step: number): Location {
  return { fs, path: joinPath(path, `step-${step}`) }
}

/**
 * Removes what chains with this output have left whose process is gone: nobody goes on with them. One that
 * runs, or may run on another machine, keeps its folder.
 */
export async function removeDeadChains(output: Location): Promise<void> {
  const chains = await jobFoldersOf(output, CHAIN_ID_PREFIX)
  if (chains.length === 0) return
  // The job that a chain died in may have been replacing the output.
  await rollForward(output)
  for (const chain of chains) {
    if (await mayRun(chain)) continue
    for (const job of await jobFoldersOf(output)) {
      const inputs = (await readPlan(job))?.identity.inputs ?? []
      if (inputs.some((uri) => isWithin(resolveUri(uri).path, chain.path))) {
        await job.fs.delete(job.path, { recursive: true })
      }
    }
    await chain.fs.delete(chain.path, { recursive: true })
  }
}

async function mayRun(chain: Location): Promise<boolean> {
  const driver = await readJson<Partial<DriverProcess>>(chain.fs, joinPath(chain.path, DRIVER_FILE)).catch(
    (error) => {
      // Cut off, or being written.
      if (error instanceof SyntaxError) return undefined
      throw error
    },
  )
  if (driver) return driver.pid === undefined || isRunning(driver as DriverProcess) !== false
  const status = await statIfThere(chain)
  return status !== undefined && Date.now() - status.modifiedMs < PLANNING_MS
}
