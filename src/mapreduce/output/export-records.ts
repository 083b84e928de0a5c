import { randomBytes } from 'node:crypto'
import { AlreadyExistsError, KeyError, UsageError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import type { FileSystem } from '../../fs/file-system.js'
import { baseName, joinPath, parentOf } from '../../fs/path.js'
import { renameSurely } from '../../fs/rename-surely.js'
import { resolveUri } from '../../fs/resolve.js'
import { extensionMatches, extensionOf, sniffFormat } from '../../image/format.js'

/** Files written at once; creating one waits mostly for the file system. */
const FILES_AT_ONCE = 8

export interface ExportResult {
  files: number
  bytes: number
  /** Files whose name got the extension of what their bytes are. */
  renamed: number
}

/**
 * Writes each record to a file named by its key, below a folder that appears when it is whole.
 *
 * @throws UsageError when the folder exists and may not be replaced.
 * @throws KeyError when a key is no relative path, or two records would be one file; nothing is left then.
 */
export async function exportRecords(
  records: AsyncIterable<{ key: string; value: Uint8Array }>,
  uri: string,
  options: { overwrite: boolean },
): Promise<ExportResult> {
  const target = resolveUri(uri)
  const { fs, path } = target
  const isThere = await exists(target)
  if (isThere && !options.overwrite) {
    throw new UsageError(`Cannot export to ${uri}: it exists already; --overwrite replaces it`)
  }
  const unique = randomBytes(4).toString('hex')
  const staging = joinPath(parentOf(path), `.${baseName(path)}.export-${unique}`)
  // Nobody else knows the folder's name: when it is gone it was moved.
  const moveIn = () => renameSurely(fs, staging, path, async () => !(await exists({ fs, path: staging })))
  await fs.mkdirs(staging)
  try {
    const result = await writeFiles(fs, records, staging)
    if (isThere) {
      const aside = `${staging}.old`
      await fs.rename(path, aside)
      await moveIn().catch(async (error) => {
        await fs.rename(aside, path).catch(() => {})
        throw error
      })
      await fs.delete(aside, { recursive: true })
    } else await moveIn()
    return result
  } catch (error) {
    // That it can't be removed is the lesser trouble.
    await fs.delete(staging, { recursive: true }).catch(() => {})
    throw error
  }
}

async function writeFiles(
  fs: FileSystem,
  records: AsyncIterable<{ key: string; value: Uint8Array }>,
  folder: string,
): Promise<ExportResult> {
  const result: ExportResult = { files: 0, bytes: 0, renamed: 0 }
  const folders = new Set([folder])
  const running = new Set<Promise<void>>()
  let failure: unknown
  for await (const { key, value } of records) {
    requireRelativePath(key)
    const format = sniffFormat(value)
    const isNamedRight = format === undefined || extensionMatches(key, format)
    const path = joinPath(folder, isNamedRight ? key : `${key}.${extensionOf(format)}`)
    if (!folders.has(parentOf(path))) {
      await fs.mkdirs(parentOf(path)).catch(sameFile(key))
      folders.add(parentOf(path))
    }
    const writing = writeOne(fs, path, value)
      .catch(sameFile(key))
      .catch((error) => {
        failure ??= error
      })
      .finally(() => running.delete(writing))
    running.add(writing)
    if (running.size >= FILES_AT_ONCE) await Promise.race(running)
    if (failure) break
    result.files++
    result.bytes += value.length
    if (!isNamedRight) result.renamed++
  }
  await Promise.all(running)
  if (failure) throw failure
  return result
}

async function writeOne(fs: FileSystem, path: string, value: Uint8Array): Promise<void> {
  await using sink = await fs.create(path)
  await sink.write(value)
  await sink.close()
}

/** A key from anywhere must not name a file outside the folder. */
function requireRelativePath(key: string): void {
  const parts = key.split('/')
  const fault = key.startsWith('/')
    ? 'it is an absolute path'
    : parts.includes('..')
      ? 'it leads out of the folder'
      : key.includes('\0')
        ? 'it has a zero byte'
        : parts.some((part) => part === '' || part === '.')
          ? 'it is no plain relative path'
          : undefined
  if (fault === undefined) return
  throw new KeyError(
    `Cannot export the key ${JSON.stringify(key)}: ${fault}; "pixelreduce get" writes it to a file you name`,
  )
}

function sameFile(key: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof AlreadyExistsError)) throw error
    throw new KeyError(
      `Cannot export the key ${JSON.stringify(key)}: another record is written to the same file`,
      {
        cause: error,
      },
    )
  }
}
