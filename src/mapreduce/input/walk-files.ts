import type { FileStatus } from '../../fs/file-system.js'
import { baseName, compareUtf8 } from '../../fs/path.js'
import type { Location } from '../../fs/resolve.js'

/** Which files of a folder are an input. */
export interface FileFilter {
  /** Whether a name, of a file or of a folder, is passed over without a word. */
  isHidden(name: string): boolean
  /** Whether a file is taken, by its key. */
  takes(key: string): boolean
  /** Counts what was left, by extension. */
  readonly left: Map<string, number>
}

/**
 * The files under a folder that the filter takes, in the order of their relative paths' UTF-8 bytes.
 * Links are followed, but not round in circles.
 */
export async function* walkFiles(folder: Location, filter: FileFilter): AsyncIterable<FileStatus> {
  const start = folder.path.length + (folder.path === '/' ? 0 : 1)
  yield* walk(folder.path, new Set())

  async function* walk(path: string, linked: ReadonlySet<string>): AsyncIterable<FileStatus> {
    // A folder sorts as its name and a slash, so that paths come in the order of their bytes: it waits
    // here while files such as "name-1.jpg" go before "name/".
    const waiting: FileStatus[] = []
    for await (const entry of folder.fs.list(path)) {
      if (filter.isHidden(baseName(entry.path))) continue
      while (waiting[0] && compareUtf8(orderOf(waiting[0]), orderOf(entry)) < 0) {
        yield* descend(waiting.shift()!, linked)
      }
      if (entry.type === 'directory') {
        const place = waiting.findIndex((other) => compareUtf8(orderOf(entry), orderOf(other)) < 0)
        waiting.splice(place < 0 ? waiting.length : place, 0, entry)
      } else if (filter.takes(entry.path.slice(start))) yield entry
      else countLeft(filter, entry.path)
    }
    for (const entry of waiting) yield* descend(entry, linked)
  }

  async function* descend(entry: FileStatus, linked: ReadonlySet<string>): AsyncIterable<FileStatus> {
    const target = entry.linkTarget
    if (target === undefined) return yield* walk(entry.path, linked)
    const goesRound = linked.has(target) || `${entry.path}/`.startsWith(`${target}/`)
    if (!goesRound) yield* walk(entry.path, new Set([...linked, target]))
  }
}

/** Counts a file that the filter did not take. */
export function countLeft(filter: FileFilter, path: string): void {
  const extension = /\.[^./]{1,10}$/.exec(path)?.[0].toLowerCase() ?? 'no extension'
  filter.left.set(extension, (filter.left.get(extension) ?? 0) + 1)
}

function orderOf(entry: FileStatus): string {
  return entry.type === 'directory' ? `${entry.path}/` : entry.path
}
