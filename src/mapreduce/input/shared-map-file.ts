import type { Location } from '../../fs/resolve.js'
import { type OpenMapFile, openMapFile } from '../map-file-folder.js'

interface Shared {
  readonly opening: Promise<OpenMapFile>
  users: number
  /** Met an error: whoever comes next opens it again. */
  failed: boolean
}

/** MapFiles kept open for the next task. */
const KEPT = 2

/** The MapFiles that tasks of this thread read, the one used last at the end. */
const shared = new Map<string, Shared>()

/** A MapFile that is open, until it is let go. */
export interface SharedMapFile extends AsyncDisposable {
  readonly file: OpenMapFile
  /** The next task is to open the MapFile anew. */
  discard(): void
}

/**
 * Opens a MapFile for a task of a job, or gives out the one that another task of the job has opened: its
 * header, index and checksums are read once by each thread instead of once for each split.
 */
export async function shareMapFile({ fs, path }: Location, jobId: string): Promise<SharedMapFile> {
  const name = JSON.stringify([jobId, fs.root, path])
  const known = shared.get(name)
  const entry = known && !known.failed ? known : { opening: openMapFile(fs, path), users: 0, failed: false }
  shared.delete(name)
  shared.set(name, entry)
  entry.users++
  try {
    const file = await entry.opening
    return {
      file,
      discard: () => {
        entry.failed = true
      },
      [Symbol.asyncDispose]: () => letGo(entry),
    }
  } catch (error) {
    entry.failed = true
    entry.users--
    if (shared.get(name) === entry) shared.delete(name)
    throw error
  }
}

async function letGo(entry: Shared): Promise<void> {
  entry.users--
  const closing: Shared[] = entry.failed && entry.users === 0 ? [entry] : []
  const idle = [...shared].filter(([, { users }]) => users === 0)
  for (const [name, each] of idle.slice(0, Math.max(0, idle.length - KEPT))) {
    shared.delete(name)
    if (!closing.includes(each)) closing.push(each)
  }
  for (const [name, each] of shared) if (closing.includes(each)) shared.delete(name)
  await Promise.all(closing.map(async ({ opening }) => (await opening).close()))
}
