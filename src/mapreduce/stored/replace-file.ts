import type { FileSystem } from '../../fs/file-system.js'
import { baseName, joinPath, parentOf } from '../../fs/path.js'

/**
 * Puts a file or folder in the place of another, through the contract's rename, which never replaces: the old
 * one goes aside, the new one in, then the old one is deleted. Whoever looks between sees none, or one whole.
 */
export async function replaceFile(fs: FileSystem, from: string, to: string): Promise<void> {
  const aside = joinPath(parentOf(to), `.${baseName(to)}.old`)
  await fs.delete(aside, { recursive: true })
  const old = await fs.rename(to, aside).then(
    () => true,
    (error) => {
      if (error.code === 'NOT_FOUND') return false
      throw error
    },
  )
  await fs.rename(from, to)
  if (old) await fs.delete(aside, { recursive: true })
}
