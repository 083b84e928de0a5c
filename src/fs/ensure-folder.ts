import { AlreadyExistsError } from '../errors.js'
import type { Location } from './resolve.js'

/**
 * Makes a folder that may be there already. Unlike `mkdirs` it makes no parents, so that a late writer can't
 * revive a folder that was removed.
 * @throws NotFoundError when there is no parent.
 */
export async function ensureFolder({ fs, path }: Location): Promise<void> {
  try {
    await fs.mkdir(path)
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error
  }
}
