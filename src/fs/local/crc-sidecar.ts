import * as fs from 'node:fs/promises'
import type { ByteSource } from '../../io/byte-source.js'
import { crcFileName, withCrc } from '../../io/crc.js'
import { ifThere } from '../exists.js'
import { baseName, joinPath, parentOf } from '../path.js'
import { localError } from './local-error.js'
import { LocalSource } from './local-source.js'

/**
 * Where the sidecar of a file would lie; undefined for a file that is not looked after. Only names that
 * Hadoop's formats have are: those without a dot (`data`, `index`, `part-r-00000`) and `*.seq`. Every
 * picture has an extension, so that opening ten million of them costs no second look each.
 */
export function sidecarOf(path: string): string | undefined {
  const name = baseName(path)
  if (name.startsWith('_') || (name.includes('.') && !name.endsWith('.seq')) || name.startsWith('.')) {
    return undefined
  }
  return joinPath(parentOf(path), crcFileName(name))
}

/**
 * The file with its bytes verified, where a sidecar lies beside it; else as it is, for the price of one
 * failed open.
 * @throws FormatError when the sidecar is none, or not this file's; the file is closed then.
 */
export async function withSidecar(source: ByteSource, path: string): Promise<ByteSource> {
  const sidecar = sidecarOf(path)
  if (sidecar === undefined) return source
  const crcs = await ifThere(LocalSource.open(sidecar)).catch(async (error) => {
    await source.close()
    throw error
  })
  if (!crcs) return source
  try {
    return await withCrc(source, crcs)
  } catch (error) {
    await Promise.all([source.close(), crcs.close()])
    throw error
  }
}

/** Removes the sidecar of a file that is there no more, so that the next file of its name is not judged by it. */
export async function dropSidecar(path: string): Promise<void> {
  const sidecar = sidecarOf(path)
  if (sidecar !== undefined) await fs.rm(sidecar, { force: true }).catch(localError('delete', sidecar))
}

/** Lets the sidecar follow a file that was renamed. */
export async function moveSidecar(from: string, to: string): Promise<void> {
  await dropSidecar(to)
  const [old, moved] = [sidecarOf(from), sidecarOf(to)]
  if (old === undefined || moved === undefined) return dropSidecar(from)
  await fs.rename(old, moved).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') return localError('rename', old)(error)
  })
}
