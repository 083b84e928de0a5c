import { NotFoundError } from '../errors.js'
import type { ByteSource } from '../io/byte-source.js'
import type { FileStatus, OpenOptions } from './file-system.js'
import type { Location } from './resolve.js'

/** Whether a file or a folder is at a place. */
export async function exists(location: Location): Promise<boolean> {
  return (await statIfThere(location)) !== undefined
}

/** Undefined where there is neither a file nor a folder. */
export function statIfThere({ fs, path }: Location): Promise<FileStatus | undefined> {
  return ifThere(fs.stat(path))
}

/** Undefined where there is no such file. */
export function openIfThere({ fs, path }: Location, options?: OpenOptions): Promise<ByteSource | undefined> {
  return ifThere(fs.open(path, options))
}

/** Nothing where there is no such folder. */
export async function* listIfThere({ fs, path }: Location): AsyncIterable<FileStatus> {
  try {
    yield* fs.list(path)
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
  }
}

/** What is asked for; undefined where it turns out that there is no such thing. */
export async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}
