import type { IncomingMessage } from 'node:http'
import { ConnectionError, FileSystemError, PixelreduceError, TruncatedError } from '../../errors.js'
import { type ByteSource, requireRange, type StreamOptions } from '../../io/byte-source.js'
import { backOff } from './backoff.js'
import type { DataNode, DataNodes } from './data-nodes.js'
import type { BlockNodes } from './file-memory.js'
import { answerOf, errorOf, type HttpConnections } from './http-connection.js'
import { withDetails } from './name-nodes.js'
import type { Doing } from './remote-error.js'
import { responseBody } from './response-body.js'

/** A connection that brought less than this before it broke off counts as a failed attempt. */
const PROGRESS_BYTES = 64 * 1024

/** Files up to this are fetched whole by their first read: a DataNode takes as long over a few bytes of them. */
const SMALL_FILE_BYTES = 512 * 1024

/** A file on HDFS, read from its DataNodes. */
export class WebHdfsSource implements ByteSource {
  readonly name: string
  /** All bytes of a small file, once one of them was asked for. */
  private whole: Promise<Uint8Array> | undefined
  private isOpen = true

  constructor(
    private readonly doing: Doing,
    readonly length: number,
    private readonly blockNodes: BlockNodes,
    private readonly dataNodes: DataNodes,
    private readonly connections: HttpConnections,
  ) {
    this.name = doing.root + doing.path
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    this.requireOpen()
    requireRange(this, start, end)
    if (this.length > SMALL_FILE_BYTES) return this.readRange(start, end)
    return (await this.readWhole()).subarray(start, end)
  }

  private readWhole(): Promise<Uint8Array> {
    this.whole ??= this.readRange(0, this.length).catch((error) => {
      this.whole = undefined
      throw error
    })
    return this.whole
  }

  private async readRange(start: number, end: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(end - start)
    const { largeReadBytes, parallelReads } = this.connections.settings
    if (largeReadBytes === 0 || bytes.length <= largeReadBytes) {
      await this.fill(bytes, start)
      return bytes
    }
    const ranges = Math.min(parallelReads, Math.ceil(bytes.length / largeReadBytes))
    const rangeBytes = Math.ceil(bytes.length / ranges)
    const stop = new AbortController()
    const parts = Array.from({ length: ranges }, async (_, i) => {
      const part = bytes.subarray(i * rangeBytes, (i + 1) * rangeBytes)
      await this.fill(part, start + i * rangeBytes, stop.signal)
    })
    await Promise.all(parts).catch(async (error) => {
      stop.abort(error)
      await Promise.allSettled(parts)
      throw error
    })
    return bytes
  }

  /**
   * One ranged request; where its connection breaks off, another one goes on at that byte, on another
   * DataNode if there is one.
   */
  async *stream(start: number, end = this.length, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    this.requireOpen()
    requireRange(this, start, end)
    const { readAttempts, idleTimeoutMs } = this.connections.settings
    const { signal } = options
    if (this.whole && start < end) {
      const bytes = (await this.whole).subarray(start, end)
      signal?.throwIfAborted()
      yield bytes
      return
    }
    for (let at = start, failures = 0; at < end; ) {
      const from = at
      const node = await this.nodeAt(at, end, signal)
      try {
        const response = 'origin' in node ? await this.ask(node, at, end, signal) : node
        this.requireLength(response, at, end)
        for await (const piece of responseBody(response, this.doing, idleTimeoutMs, signal)) {
          // HttpFS of old heeds no length.
          const wanted = piece.length > end - at ? piece.subarray(0, end - at) : piece
          at += wanted.length
          yield wanted
          if (at === end) break
        }
        if (at < end) throw this.endedEarly(at)
        if ('origin' in node) this.remember(node, start, end)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        if (!(error instanceof PixelreduceError)) throw error
        if ('origin' in node) this.blockNodes.drop(node.name)
        // A remembered DataNode may have been given a token that has run out since.
        const mayTryAgain = error.retriable || (error.code === 'AUTHENTICATION' && failures === 0)
        failures = at - from >= PROGRESS_BYTES ? 1 : failures + 1
        if (!mayTryAgain || failures >= readAttempts) throw this.brokenOff(error, at, end, failures)
        if ('origin' in node) await this.dataNodes.recordFailure(node.name)
        // The first retry goes to another DataNode, which has nothing to recover from.
        if (failures > 1) await backOff(failures - 1, signal)
      }
    }
  }

  async close(): Promise<void> {
    this.isOpen = false
    this.whole = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Nothing is held that a late read could harm, but on a local disk it fails, so it does here. */
  private requireOpen(): void {
    if (!this.isOpen) throw new FileSystemError(`Cannot read ${this.name}: it is closed`)
  }

  private async fill(bytes: Buffer, start: number, signal?: AbortSignal): Promise<void> {
    let filled = 0
    for await (const piece of this.stream(start, start + bytes.length, signal ? { signal } : {})) {
      bytes.set(piece, filled)
      filled += piece.length
    }
  }

  private async nodeAt(at: number, end: number, signal?: AbortSignal): Promise<DataNode | IncomingMessage> {
    const remembered = this.blockNodes.get(at)
    if (remembered && !this.dataNodes.hasFailed(remembered.name)) return remembered
    const parameters = { op: 'OPEN', offset: at, length: end - at }
    return this.dataNodes.locate(this.doing, 'GET', parameters, signal).catch((error) => {
      throw this.translated(error, at)
    })
  }

  private async ask(node: DataNode, at: number, end: number, signal?: AbortSignal): Promise<IncomingMessage> {
    const url = this.dataNodes.url(node, this.doing.path, { op: 'OPEN', offset: at, length: end - at })
    const request = this.connections.request('GET', url).end()
    const response = await answerOf(request, this.doing, this.connections.settings, signal)
    if (response.statusCode === 200) return response
    throw this.translated(await errorOf(response, this.doing), at)
  }

  /** To an offset beyond the end a DataNode says "Cannot seek after EOF", a NameNode "out of the range [0, length)". */
  private translated(error: Error, at: number): Error {
    if (!(error instanceof PixelreduceError)) return error
    const length = /out of the range \[0, (\d+)\)/.exec(error.message)?.[1]
    // The class alone does not tell: Java also calls it EOFException when the NameNode hangs up on the DataNode.
    const isBeyondEnd = length !== undefined || /Cannot seek after EOF/.test(error.message)
    return isBeyondEnd ? this.shrunk(length === undefined ? at : Number(length), error) : error
  }

  /** The blocks of a range may lie elsewhere, but any DataNode gets at them; the first one's is at hand. */
  private remember(node: DataNode, start: number, end: number): void {
    this.dataNodes.recordSuccess(node.name)
    this.blockNodes.set(start, node)
    if (this.blockNodes.get(end - 1) === undefined) this.blockNodes.set(end - 1, node)
  }

  /** A DataNode promises as many bytes as the file has: fewer mean that it has become shorter. */
  private requireLength(response: IncomingMessage, at: number, end: number): void {
    const promised = Number(response.headers['content-length'] ?? Number.NaN)
    if (!(promised < end - at)) return
    response.destroy()
    throw this.shrunk(at + promised)
  }

  private shrunk(atMost: number, cause?: Error): TruncatedError {
    const { action, path, root } = this.doing
    return new TruncatedError(
      `Cannot ${action} ${path} on ${root}: it now has at most ${atMost} bytes, it had ${this.length} when it was opened`,
      { details: { path, offset: atMost, length: this.length }, cause },
    )
  }

  private endedEarly(at: number): ConnectionError {
    const { action, path, root } = this.doing
    return new ConnectionError(`Cannot ${action} ${path} on ${root}: the answer ended at byte ${at}`, {
      details: { path, offset: at },
      retriable: true,
    })
  }

  private brokenOff(error: PixelreduceError, at: number, end: number, failures: number): PixelreduceError {
    const attempts = failures > 1 ? ` after ${failures} attempts` : ''
    const message = `${error.message}; stopped at byte ${at} of ${end}${attempts}`
    return withDetails(error, { path: this.doing.path, offset: at, attempts: failures }, message)
  }
}
