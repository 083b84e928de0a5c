import * as fs from 'node:fs/promises'
import { AlreadyExistsError } from '../../errors.js'
import type { ByteSink } from '../../io/byte-sink.js'
import type { ByteSource } from '../../io/byte-source.js'
import { CrcSink } from '../../io/crc.js'
import type {
  BlockLocation,
  CreateOptions,
  DeleteOptions,
  FileStatus,
  FileSystem,
  OpenOptions,
} from '../file-system.js'
import { baseName, compareUtf8, joinPath } from '../path.js'
import { dropSidecar, moveSidecar, sidecarOf, withSidecar } from './crc-sidecar.js'
import { localError } from './local-error.js'
import { LocalSink } from './local-sink.js'
import { LocalSource } from './local-source.js'
import { isThere, makeFolder, openFile, renameEntry, statusOf } from './short-calls.js'

/** Entries of a folder whose status is asked for at once. */
const STAT_BATCH = 64

export interface LocalFileSystemOptions {
  /**
   * Whether a file's bytes are compared with the sidecar `.<name>.crc` where Hadoop left one beside it: for
   * names without a dot and `*.seq`, see {@link sidecarOf}.
   * @default true
   */
  verifySidecars?: boolean
}

/** The file systems of this machine, through node:fs. */
export class LocalFileSystem implements FileSystem {
  readonly root = 'file://'
  readonly isRemote = false
  private readonly verifySidecars: boolean

  constructor(options: LocalFileSystemOptions = {}) {
    this.verifySidecars = options.verifySidecars ?? true
  }

  async stat(path: string): Promise<FileStatus> {
    const stats = await statusOf(path).catch(localError('look at', path))
    return {
      path,
      type: stats.isDirectory() ? 'directory' : 'file',
      length: stats.isDirectory() ? 0 : stats.size,
      modifiedMs: stats.mtimeMs,
    }
  }

  async *list(path: string): AsyncIterable<FileStatus> {
    const entries = await fs.readdir(path, { withFileTypes: true }).catch(localError('list', path))
    entries.sort((a, b) => compareUtf8(a.name, b.name))
    for (let start = 0; start < entries.length; start += STAT_BATCH) {
      const batch = entries.slice(start, start + STAT_BATCH)
      const statuses = await Promise.all(
        batch.map(async (entry) => {
          const child = joinPath(path, entry.name)
          // A pipe or a socket is no data, and opening one would wait for ever.
          if (!entry.isFile() && !entry.isDirectory() && !entry.isSymbolicLink()) return undefined
          const status = await this.stat(child)
          if (!entry.isSymbolicLink()) return status
          return { ...status, linkTarget: await fs.realpath(child) }
        }),
      )
      for (const status of statuses) if (status) yield status
    }
  }

  async open(path: string, options: OpenOptions = {}): Promise<ByteSource> {
    const source = await LocalSource.open(path, options.status?.length)
    return this.verifySidecars ? withSidecar(source, path) : source
  }

  async create(path: string, options: CreateOptions = {}): Promise<ByteSink> {
    const descriptor = await openFile(path, 'wx').catch(localError('create', path))
    await dropSidecar(path)
    const sink = new LocalSink(path, descriptor, options.durable ?? false)
    const sidecar = options.crc ? sidecarOf(path) : undefined
    return sidecar === undefined ? sink : new CrcSink(sink, await this.create(sidecar))
  }

  async rename(from: string, to: string): Promise<void> {
    const source = await this.stat(from)
    if (source.type === 'file') {
      await renameFile(from, to)
      return moveSidecar(from, to)
    }
    // rename(2) refuses a folder with something in it but replaces an empty one, hence the look before.
    // Whatever we rename is never empty, so two of our own renames can't both win.
    if (await isThere(to)) throw alreadyThere(from, to)
    await renameEntry(from, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST' || error.code === 'ENOTDIR') {
        throw alreadyThere(from, to)
      }
      return localError('rename', from)(error)
    })
  }

  async delete(path: string, options: DeleteOptions = {}): Promise<boolean> {
    try {
      const stats = await fs.lstat(path)
      if (stats.isDirectory() && !options.recursive) await fs.rmdir(path)
      else if (stats.isDirectory()) await fs.rm(path, { recursive: true, force: true, maxRetries: 3 })
      else await fs.unlink(path)
    } catch (error) {
      // Never there, or gone since we looked: somebody else has removed it.
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return false
      return localError('delete', path)(error as NodeJS.ErrnoException)
    }
    await dropSidecar(path)
    return true
  }

  async mkdirs(path: string): Promise<void> {
    await fs.mkdir(path, { recursive: true }).catch(localError('make the folder', path))
  }

  async mkdir(path: string): Promise<void> {
    await makeFolder(path).catch(localError('make the folder', path))
  }

  async blockLocations(_path: string, start: number, length: number): Promise<BlockLocation[]> {
    return [{ start, length, hosts: [] }]
  }
}

/** link(2) fails where the target exists, which rename(2) of a file does not. */
async function renameFile(from: string, to: string): Promise<void> {
  await fs.link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw alreadyThere(from, to)
    return localError('rename', from)(error)
  })
  await fs.unlink(from).catch(localError('rename', from))
}

function alreadyThere(from: string, to: string): AlreadyExistsError {
  return new AlreadyExistsError(`Cannot rename ${from} to ${baseName(to)}: ${to} exists already`, {
    details: { path: to },
  })
}
