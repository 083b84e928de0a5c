import { createHash } from 'node:crypto'
import type { FileSystem } from '../../../src/fs/file-system.js'
import type { WebHdfsOptions } from '../../../src/fs/webhdfs/options.js'
import { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { parseWebHdfsUri } from '../../../src/fs/webhdfs/webhdfs-uri.js'

export function openWebHdfs(uri: string, options: WebHdfsOptions = {}): WebHdfsFileSystem {
  return new WebHdfsFileSystem(parseWebHdfsUri(uri).address, options)
}

/** Bytes that look different everywhere, the same in each run. */
export function patternBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let word = 0x12345678
  for (let i = 0; i + 4 <= length; i += 4) {
    word = (Math.imul(word, 1664525) + 1013904223) | 0
    bytes.writeInt32LE(word, i)
  }
  return bytes
}

export async function writeFile(
  fs: FileSystem,
  path: string,
  bytes: Uint8Array,
  options: Parameters<FileSystem['create']>[1] = {},
): Promise<void> {
  const sink = await fs.create(path, options)
  for (let at = 0; at < bytes.length; at += 300_000) await sink.write(bytes.subarray(at, at + 300_000))
  await sink.close()
}

export async function readFile(fs: FileSystem, path: string): Promise<Buffer> {
  await using source = await fs.open(path)
  const pieces: Uint8Array[] = []
  for await (const piece of source.stream(0)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Short, so that a failed comparison of megabytes is readable. */
export function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes ${createHash('md5').update(bytes).digest('hex')}`
}

export async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return promise.then(
    () => {
      throw new Error('It did not fail')
    },
    (error) => error,
  )
}

export async function namesIn(fs: FileSystem, folder: string): Promise<string[]> {
  const names: string[] = []
  for await (const status of fs.list(folder)) names.push(status.path.slice(folder.length + 1))
  return names
}

/** A folder's files with the digests of their bytes, hidden ones too: what is left after a command. */
export async function treeIn(fs: FileSystem, folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  const descend = async (path: string): Promise<void> => {
    for await (const entry of fs.list(path)) {
      if (entry.type === 'directory') await descend(entry.path)
      else files[entry.path.slice(folder.length + 1)] = digest(await readFile(fs, entry.path))
    }
  }
  await descend(folder)
  return files
}
