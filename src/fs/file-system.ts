import type { ByteSink } from '../io/byte-sink.js'
import type { ByteSource } from '../io/byte-source.js'

/**
 * What pixelreduce asks of a place where files lie. Paths are absolute within the file system, with `/`
 * between their parts, no scheme and no host. Each implementation passes `test/contracts/file-system.ts`.
 */
export interface FileSystem {
  /** The part of a URI before the path: `file://`, `webhdfs://host:9870`. */
  readonly root: string

  /** Whether each call goes over a network. */
  readonly isRemote: boolean

  /** @throws NotFoundError */
  stat(path: string): Promise<FileStatus>

  /**
   * The entries directly in a folder, in the order of their names' UTF-8 bytes; held in memory a batch at
   * a time where the server can.
   * @throws NotFoundError; FileSystemError when it is a file.
   */
  list(path: string): AsyncIterable<FileStatus>

  /**
   * Opens a file for reading.
   * @throws NotFoundError; FileSystemError when it is a folder.
   */
  open(path: string, options?: OpenOptions): Promise<ByteSource>

  /**
   * Creates a new file and opens it for writing. Exclusive, and never makes parents, so that a late writer
   * can't revive a folder that was removed.
   * @throws AlreadyExistsError, NotFoundError (no parent), PermissionError, StorageFullError.
   */
  create(path: string, options?: CreateOptions): Promise<ByteSink>

  /**
   * Moves a file or a folder, atomically: the target is there whole or not at all.
   * @throws AlreadyExistsError when the target exists (an empty folder counts), NotFoundError.
   */
  rename(from: string, to: string): Promise<void>

  /**
   * Removes a file or a folder; false when there was none.
   * @throws FileSystemError when a folder is not empty and `recursive` is not set.
   */
  delete(path: string, options?: DeleteOptions): Promise<boolean>

  /** Makes a folder and its parents; nothing happens when it is there. @throws AlreadyExistsError on a file. */
  mkdirs(path: string): Promise<void>

  /** Makes one folder whose parent exists. @throws AlreadyExistsError, NotFoundError (no parent). */
  mkdir(path: string): Promise<void>

  /** Where the blocks of [start, start + length) lie; one block without hosts where nothing is known. */
  blockLocations(path: string, start: number, length: number): Promise<BlockLocation[]>
}

export interface FileStatus {
  /** Absolute path within the file system. */
  readonly path: string
  readonly type: 'file' | 'directory'
  /** Bytes; 0 for a folder. */
  readonly length: number
  /** Time of the last change, in ms since 1970. */
  readonly modifiedMs: number
  /** Where a symbolic link leads, on file systems that have them. */
  readonly linkTarget?: string
}

export interface BlockLocation {
  readonly start: number
  readonly length: number
  readonly hosts: readonly string[]
}

export interface OpenOptions {
  /** Known status, which saves a round trip. */
  status?: FileStatus
}

export interface DeleteOptions {
  /** Removes a folder with all that is in it. @default false */
  recursive?: boolean
}

export interface CreateOptions {
  /** Bytes of a block, where the file system has blocks. @default the file system's own */
  blockSize?: number
  /** Copies of each block, where the file system makes copies. @default the file system's own */
  replication?: number
  /** Permission bits in octal, `640`, where a server keeps them. @default the file system's own */
  permission?: string
  /** Writes a `.crc` sidecar beside the file, as Hadoop does on local disks; others ignore it. @default false */
  crc?: boolean
  /**
   * Nobody else knows of the path: what forbids the file may then be told by `write` or `close` instead of
   * by `create`, which saves a server round trips. @default false
   */
  unshared?: boolean
  /** Makes `close` wait until the bytes are on the disk. @default false */
  durable?: boolean
}
