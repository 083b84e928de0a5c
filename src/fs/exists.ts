import { NotFoundError } from '../errors.js'
import type { Location } from './resolve.js'

/** Whether a file or a folder is at a place. */
export async function exists({ fs, path }: Location): Promise<boolean> {
  return fs.stat(path).then(
    () => true,
    (error) => {
      if (error instanceof NotFoundError) return false
      throw error
    },
  )
}
