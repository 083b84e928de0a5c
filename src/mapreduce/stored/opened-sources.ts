import { openIfThere } from '../../fs/exists.js'
import type { FileSystem } from '../../fs/file-system.js'
import { baseName, joinPath, parentOf } from '../../fs/path.js'
import type { ByteSource } from '../../io/byte-source.js'
import { crcFileName } from '../../io/crc.js'
import { type BadChunk, findBadChunks } from './crc-check.js'
import type { FaultList } from './fault-list.js'

/** The sources of one file, closed together. */
export class OpenedSources implements AsyncDisposable {
  private readonly sources: ByteSource[] = []

  constructor(private readonly fs: FileSystem) {}

  /** Undefined where there is no such file. */
  async open(path: string): Promise<ByteSource | undefined> {
    const source = await openIfThere({ fs: this.fs, path })
    if (source) this.sources.push(source)
    return source
  }

  /** By the file's sidecar, on a local file system that has one. */
  async badChunks(
    path: string,
    source: ByteSource,
    faults: FaultList,
    signal: AbortSignal | undefined,
  ): Promise<BadChunk[]> {
    if (this.fs.root !== 'file://') return []
    const sidecar = await this.open(joinPath(parentOf(path), crcFileName(baseName(path))))
    return sidecar ? findBadChunks(source, sidecar, faults, signal) : []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.sources.map((source) => source.close()))
  }
}
