import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary file, empty at first. */
export interface ScratchFile {
  readonly handle: FileHandle
  /** By which it can be opened again while it is at hand, whatever opens it. */
  readonly path: string
}

/**
 * Gives out a temporary file, in the system's folder for such. On Linux it has no name, so that nothing is left however
 * this process ends: a thread that is ended cleans nothing up.
 */
export async function withScratchFile<T>(work: (file: ScratchFile) => Promise<T>): Promise<T> {
  const path = join(tmpdir(), `pixelreduce-bands-${randomUUID()}`)
  const handle = await open(path, 'wx+', 0o600)
  try {
    if (process.platform !== 'linux') return await work({ handle, path })
    await unlink(path)
    return await work({ handle, path: `/proc/self/fd/${handle.fd}` })
  } finally {
    await handle.close()
    await rm(path, { force: true })
  }
}

/** Writes all bytes at the file's end. */
export async function appendTo(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await handle.write(bytes, written)).bytesWritten
  }
}
