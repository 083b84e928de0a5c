import { FileSystemError, PixelreduceError } from '../errors.js'
import type { FileSystem } from './file-system.js'

/** Renames that may lose their answers one after the other. */
const ATTEMPTS = 4

/**
 * A rename that finds out what became of it where the server's answer was lost: it looks at the target, and
 * where nothing has moved it asks again.
 *
 * @param isDone whether the target is what was to be moved there; asked after any failure, because a second
 *   rename also meets what the first one did.
 * @throws what `rename` throws; when the target can't be looked at either, an error that says so.
 */
export async function renameSurely(
  fs: FileSystem,
  from: string,
  to: string,
  isDone: () => Promise<boolean>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fs.rename(from, to)
    } catch (error) {
      const isUncertain = error instanceof PixelreduceError && error.details?.uncertain === true
      const outcome = await isDone().catch(() => 'unknown' as const)
      if (outcome === true) return
      if (!isUncertain) throw error
      if (outcome === 'unknown') {
        throw new FileSystemError(`${error.message}; it may have been carried out all the same`, {
          cause: error,
          details: error.details!,
          retriable: true,
        })
      }
      if (attempt === ATTEMPTS) throw error
    }
  }
}
