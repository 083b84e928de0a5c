import type { FileStatus } from '../file-system.js'
import type { DataNode } from './data-nodes.js'

/** Files of which something is remembered, per file system. */
const FILES = 1000
/** Blocks are taken to be this large where the status does not say; it only decides what is remembered together. */
const USUAL_BLOCK_BYTES = 128 * 1024 * 1024

interface Remembered {
  readonly length: number
  readonly modifiedMs: number
  readonly nodes: Map<number, DataNode>
}

/** A status with what HDFS knows beyond it. */
export interface HdfsFileStatus extends FileStatus {
  /** Bytes; 0 for a folder. */
  readonly blockSize: number
  readonly replication: number
  readonly owner: string
  readonly group: string
  /** In octal: `644`. */
  readonly permission: string
}

/** Which DataNode served a block last, so that the next read of it needs no NameNode. */
export class FileMemory {
  private readonly files = new Map<string, Remembered>()

  /** The nodes of the file as it is now: nothing of one that has changed since. */
  nodesOf(status: FileStatus): BlockNodes {
    const { path, length, modifiedMs } = status
    const known = this.files.get(path)
    const isSame = known && known.length === length && known.modifiedMs === modifiedMs
    const remembered = isSame ? known : { length, modifiedMs, nodes: new Map() }
    // The last one asked for becomes the youngest; the eldest goes.
    this.files.delete(path)
    this.files.set(path, remembered)
    if (this.files.size > FILES) this.files.delete(this.files.keys().next().value!)
    const blockSize = (status as Partial<HdfsFileStatus>).blockSize || USUAL_BLOCK_BYTES
    return new BlockNodes(remembered.nodes, blockSize)
  }

  /** Forgets a file, or a folder with all in it. */
  drop(path: string): void {
    for (const known of this.files.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.files.delete(known)
    }
  }
}

/** The remembered DataNodes of one file, by the byte that is read. */
export class BlockNodes {
  constructor(
    private readonly nodes: Map<number, DataNode>,
    private readonly blockSize: number,
  ) {}

  get(offset: number): DataNode | undefined {
    return this.nodes.get(Math.floor(offset / this.blockSize))
  }

  set(offset: number, node: DataNode): void {
    this.nodes.set(Math.floor(offset / this.blockSize), node)
  }

  /** Forgets a node for all blocks: it failed. */
  drop(name: string): void {
    for (const [block, node] of this.nodes) if (node.name === name) this.nodes.delete(block)
  }
}
