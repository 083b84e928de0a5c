import * as fs from 'node:fs'
import * as promises from 'node:fs/promises'
import { promisify } from 'node:util'
import { isMainThread } from 'node:worker_threads'

/*
 * Calls that only look a name up or change one: open, close, status, mkdir, rename. By way of node's pool each
 * takes several times as long as the system call itself, which shows over millions of small files. So a task's
 * thread makes them on the spot; a main thread, which has others to serve and must answer, leaves them to the
 * pool.
 */

/** A descriptor. */
export const openFile: (path: string, flags: string) => Promise<number> = either(
  (path, flags) => fs.openSync(path, flags),
  promisify(fs.open) as (path: string, flags: string) => Promise<number>,
)

export const closeFile: (descriptor: number) => Promise<void> = either(fs.closeSync, promisify(fs.close))

export const statusOf: (path: string) => Promise<fs.Stats> = either(
  (path) => fs.statSync(path),
  (path) => promises.stat(path),
)

export const statusOfOpen: (descriptor: number) => Promise<fs.Stats> = either(
  (descriptor) => fs.fstatSync(descriptor),
  promisify(fs.fstat) as (descriptor: number) => Promise<fs.Stats>,
)

export const makeFolder: (path: string) => Promise<void> = either(
  (path) => fs.mkdirSync(path),
  (path) => promises.mkdir(path),
)

export const renameEntry: (from: string, to: string) => Promise<void> = either(fs.renameSync, promises.rename)

/** Whether something is there. */
export const isThere: (path: string) => Promise<boolean> = either(fs.existsSync, (path) =>
  promises.access(path).then(
    () => true,
    () => false,
  ),
)

/** Writes a few bytes: to the page cache, and so as short as the rest. */
export const writeFew: (descriptor: number, bytes: Uint8Array) => Promise<number> = either(
  (descriptor, bytes) => fs.writeSync(descriptor, bytes),
  async (descriptor, bytes) => (await promisify(fs.write)(descriptor, bytes)).bytesWritten,
)

function either<Args extends unknown[], Result>(
  onSpot: (...args: Args) => Result,
  byPool: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  if (isMainThread) return byPool
  return (...args) => {
    try {
      return Promise.resolve(onSpot(...args))
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
