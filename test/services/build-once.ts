import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Where the tests keep what is slow to get: jars and compiled classes. */
export const cacheFolder = fileURLToPath(new URL('../../node_modules/.cache/pixelreduce', import.meta.url))

const lockPollMs = 100
const lockExpiresMs = 15 * 60_000

/**
 * Fills a folder of the cache unless it is there, and returns its path. The folder appears whole, by a
 * rename, so a run that is killed leaves nothing half done under its name. Of several processes that ask at
 * once one builds and the others wait for it.
 */
export async function buildOnce(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const target = path.join(cacheFolder, name)
  if (await exists(target)) return target
  await mkdir(cacheFolder, { recursive: true })
  const lock = `${target}.lock`
  // The lock only saves work. Were it ever broken wrongly, two would build and the second rename would fail.
  while (!(await takeLock(lock))) {
    if (await exists(target)) return target
    await delay(lockPollMs)
  }
  try {
    if (await exists(target)) return target
    await removeUnfinished(name)
    const unfinished = `${target}.unfinished-${process.pid}`
    await mkdir(unfinished)
    try {
      await build(unfinished)
      await rename(unfinished, target)
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      if (!(await exists(target))) throw error
    }
    return target
  } finally {
    await rm(lock, { force: true })
  }
}

/** Creates the lock file with our process id in it; removes one whose owner is dead, for the next try. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx')
    await file.writeFile(String(process.pid))
    await file.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const owner = Number(await readFile(lock, 'utf8').catch(() => ''))
  const ageMs = Date.now() - (await stat(lock).then((status) => status.mtimeMs, Date.now))
  const ownerIsDead = owner > 0 && !isAlive(owner)
  const ownerNeverSigned = owner === 0 && ageMs > 10 * lockPollMs
  if (ownerIsDead || ownerNeverSigned || ageMs > lockExpiresMs) await rm(lock, { force: true })
  return false
}

/** What builders that were killed have left. Called under the lock. */
async function removeUnfinished(name: string): Promise<void> {
  for (const entry of await readdir(cacheFolder)) {
    const [, owner] = entry.split(`${name}.unfinished-`)
    if (owner === undefined || isAlive(Number(owner))) continue
    await rm(path.join(cacheFolder, entry), { recursive: true, force: true })
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}
