import type { IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { AlreadyExistsError, FileSystemError, NotFoundError, type PixelreduceError } from '../../errors.js'
import type { ByteSink } from '../../io/byte-sink.js'
import type { ByteSource } from '../../io/byte-source.js'
import type { BlockLocation, CreateOptions, DeleteOptions, FileSystem, OpenOptions } from '../file-system.js'
import { baseName, joinPath, parentOf } from '../path.js'
import {
  type DirectoryListing,
  fileBlocks,
  isTrue,
  type Listing,
  locatedBlocks,
  statusOf,
  type WireStatus,
} from './answers.js'
import { DataNodes } from './data-nodes.js'
import { FileMemory, type HdfsFileStatus } from './file-memory.js'
import { answerOf, bodyText, errorOf, HttpConnections } from './http-connection.js'
import { NameNodes } from './name-nodes.js'
import { openUpload } from './open-upload.js'
import { type WebHdfsOptions, webHdfsSettings } from './options.js'
import { inUtf8Order } from './utf8-order.js'
import { WebHdfsSource } from './webhdfs-source.js'
import { rootOf, type WebHdfsAddress } from './webhdfs-uri.js'

/** When a file is looked for that a broken upload may still bring into being. */
const LATE_CREATE_WAITS_MS = [0, 50, 200, 500]

/** HDFS over WebHDFS, or HttpFS, which speaks the same. */
export class WebHdfsFileSystem implements FileSystem {
  readonly root: string
  readonly isRemote = true
  private readonly connections: HttpConnections
  private readonly nameNodes: NameNodes
  private readonly dataNodes: DataNodes
  private readonly memory = new FileMemory()
  /** Operations that this server turned out not to know. */
  private readonly unknownOperations = new Set<string>()

  constructor(address: WebHdfsAddress, options: WebHdfsOptions = {}) {
    this.root = rootOf(address)
    this.connections = new HttpConnections(webHdfsSettings(options))
    this.nameNodes = new NameNodes(address, this.root, this.connections)
    this.dataNodes = new DataNodes(this.nameNodes, address.secure)
  }

  async stat(path: string): Promise<HdfsFileStatus> {
    const operation = { method: 'GET', op: 'GETFILESTATUS', path } as const
    const answer = await this.nameNodes.call('look at', operation)
    return statusOf(path, (answer as { FileStatus: WireStatus }).FileStatus)
  }

  list(path: string): AsyncIterable<HdfsFileStatus> {
    return inUtf8Order(this.listInServersOrder(path))
  }

  async open(path: string, options: OpenOptions = {}): Promise<ByteSource> {
    const status = options.status ?? (await this.stat(path))
    if (status.type === 'directory') {
      throw new FileSystemError(`Cannot open ${path} on ${this.root}: it is a folder, not a file`, {
        details: { path },
      })
    }
    const nodes = this.memory.nodesOf(status)
    const doing = this.nameNodes.doing('read', path)
    return new WebHdfsSource(doing, status.length, nodes, this.dataNodes, this.connections)
  }

  /**
   * The rivals of an exclusive create may all come back from here; of them one `close` succeeds, and the
   * others throw AlreadyExistsError or LeaseConflictError.
   */
  async create(path: string, options: CreateOptions = {}): Promise<ByteSink> {
    const { blockSize, replication, permission, durable, unshared = false } = options
    this.memory.drop(path)
    const parameters = {
      op: 'CREATE',
      overwrite: false,
      createparent: false,
      blocksize: blockSize,
      replication,
      permission,
      ...(durable ? { createflag: 'CREATE,SYNC_BLOCK' } : {}),
    }
    const plan = {
      doing: this.nameNodes.doing('create', path),
      method: 'PUT',
      parameters,
      isShownAtOnce: !unshared,
      exists: () => this.exists(path),
      discard: () => this.removeBroken(path),
    } as const
    return openUpload(plan, this.dataNodes, this.connections)
  }

  /**
   * Opens a file to write at its end. What a failed append leaves behind isn't taken back: the file may have
   * grown by a part of the bytes.
   * @throws NotFoundError, PermissionError, LeaseConflictError: also from the sink's `write` and `close`.
   */
  async append(path: string): Promise<ByteSink> {
    this.memory.drop(path)
    const plan = {
      doing: this.nameNodes.doing('append to', path),
      method: 'POST',
      parameters: { op: 'APPEND' },
      isShownAtOnce: false,
      exists: async () => true,
      discard: async () => {},
    } as const
    return openUpload(plan, this.dataNodes, this.connections)
  }

  async rename(from: string, to: string): Promise<void> {
    const parameters = { destination: to, renameoptions: 'NONE' }
    const operation = { method: 'PUT', op: 'RENAME', path: from, parameters } as const
    try {
      await this.nameNodes.call('rename', operation, { repeatable: false })
    } catch (error) {
      // A file onto a folder is a mere IOException.
      const { code, details, cause } = error as PixelreduceError
      const mayExist = code === 'FILE_SYSTEM' && details?.status === 403
      if (code !== 'ALREADY_EXISTS' && !(mayExist && (await this.exists(to)))) throw error
      throw new AlreadyExistsError(
        `Cannot rename ${from} to ${baseName(to)} on ${this.root}: ${to} exists already`,
        { cause, details: { ...details, path: to } },
      )
    } finally {
      this.memory.drop(from)
      this.memory.drop(to)
    }
  }

  async delete(path: string, options: DeleteOptions = {}): Promise<boolean> {
    this.memory.drop(path)
    const parameters = { recursive: options.recursive ?? false }
    const answer = await this.nameNodes.call('delete', { method: 'DELETE', op: 'DELETE', path, parameters })
    return isTrue(answer)
  }

  async mkdirs(path: string): Promise<void> {
    const answer = await this.nameNodes.call('make the folder', { method: 'PUT', op: 'MKDIRS', path })
    if (isTrue(answer)) return
    throw new FileSystemError(`Cannot make the folder ${path} on ${this.root}: HDFS answers false`)
  }

  /** HDFS makes missing parents unasked, so this looks first; a parent that goes in between is made again. */
  async mkdir(path: string): Promise<void> {
    const message = (state: string) => `Cannot make the folder ${path} on ${this.root}: ${state}`
    const [parent, exists] = await Promise.all([
      this.stat(parentOf(path)).catch(undefinedIfNotFound),
      this.exists(path),
    ])
    if (exists) throw new AlreadyExistsError(message('it exists already'), { details: { path } })
    if (!parent) throw new NotFoundError(message(`there is no ${parentOf(path)}`), { details: { path } })
    await this.mkdirs(path)
  }

  async blockLocations(path: string, start: number, length: number): Promise<BlockLocation[]> {
    const parameters = { offset: start, length }
    const blocks =
      (await this.ifKnown('find the blocks of', {
        method: 'GET',
        op: 'GETFILEBLOCKLOCATIONS',
        path,
        parameters,
      }).then(fileBlocks)) ??
      (await this.ifKnown('find the blocks of', {
        method: 'GET',
        op: 'GET_BLOCK_LOCATIONS',
        path,
        parameters,
      }).then(locatedBlocks))
    return blocks?.length ? blocks : [{ start, length, hosts: [] }]
  }

  /** HDFS's checksum of a file: equal only for files of the same bytes, block size and checksum type. */
  async checksum(path: string): Promise<{ algorithm: string; bytes: string }> {
    const doing = this.nameNodes.doing('find the checksum of', path)
    const parameters = { op: 'GETFILECHECKSUM' }
    const node = await this.dataNodes.locate(doing, 'GET', parameters)
    let response: IncomingMessage
    if ('origin' in node) {
      const request = this.connections.request('GET', this.dataNodes.url(node, path, parameters)).end()
      response = await answerOf(request, doing, this.connections.settings)
    } else response = node
    if (response.statusCode !== 200) throw await errorOf(response, doing)
    const { FileChecksum } = JSON.parse(await bodyText(response))
    return { algorithm: FileChecksum.algorithm, bytes: FileChecksum.bytes }
  }

  /** Closes idle connections; they'd close by themselves after seconds. */
  close(): void {
    this.connections.destroy()
  }

  private async *listInServersOrder(path: string): AsyncGenerator<HdfsFileStatus> {
    const notAFolder = () =>
      new FileSystemError(`Cannot list ${path} on ${this.root}: it is a file, not a folder`, {
        details: { path },
      })
    for (let startAfter: string | undefined; ; ) {
      const answer = (await this.ifKnown('list', {
        method: 'GET',
        op: 'LISTSTATUS_BATCH',
        path,
        parameters: { startAfter },
      })) as DirectoryListing | undefined
      if (!answer) break
      const { partialListing, remainingEntries } = answer.DirectoryListing
      const entries = partialListing.FileStatuses.FileStatus
      for (const entry of entries) {
        if (entry.pathSuffix === '') throw notAFolder()
        yield statusOf(joinPath(path, entry.pathSuffix), entry)
      }
      if (remainingEntries === 0 || entries.length === 0) return
      startAfter = entries.at(-1)!.pathSuffix
    }
    const answer = await this.nameNodes.call('list', { method: 'GET', op: 'LISTSTATUS', path })
    for (const entry of (answer as Listing).FileStatuses.FileStatus) {
      if (entry.pathSuffix === '') throw notAFolder()
      yield statusOf(joinPath(path, entry.pathSuffix), entry)
    }
  }

  /** The answer; undefined where the server is too old for the operation. */
  private async ifKnown(
    action: string,
    operation: Parameters<NameNodes['call']>[1],
  ): Promise<unknown | undefined> {
    if (this.unknownOperations.has(operation.op)) return undefined
    try {
      return await this.nameNodes.call(action, operation)
    } catch (error) {
      const { details, message } = error as PixelreduceError
      const isUnknown = details?.status === 400 && message.includes(operation.op)
      if (!isUnknown && (error as PixelreduceError).code !== 'UNSUPPORTED') throw error
      this.unknownOperations.add(operation.op)
      return undefined
    }
  }

  /** Where nothing is there to delete, the DataNode may be about to create the file: it is asked again. */
  private async removeBroken(path: string): Promise<void> {
    for (const waitMs of LATE_CREATE_WAITS_MS) {
      await setTimeout(waitMs)
      if (await this.delete(path)) return
    }
  }

  /** False also where we may not look: the operation that follows is refused too, and knows the reason better. */
  private async exists(path: string): Promise<boolean> {
    try {
      await this.stat(path)
      return true
    } catch (error) {
      const { code } = error as PixelreduceError
      if (code === 'NOT_FOUND' || code === 'PERMISSION') return false
      throw error
    }
  }
}

function undefinedIfNotFound(error: PixelreduceError): undefined {
  if (error.code !== 'NOT_FOUND') throw error
  return undefined
}
