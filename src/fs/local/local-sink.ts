import { type FileHandle, unlink } from 'node:fs/promises'
import { FileSystemError } from '../../errors.js'
import type { ByteSink } from '../../io/byte-sink.js'
import { localError } from './local-error.js'

/** Writes below this are gathered; a larger one goes to the disk from where it lies. */
const STAGE_BYTES = 256 * 1024

/**
 * A local file being written. One write to the disk is under way while the next is gathered, so that the
 * disk works beside the caller.
 */
export class LocalSink implements ByteSink {
  position = 0
  private stage = Buffer.allocUnsafeSlow(STAGE_BYTES)
  private staged = 0
  private underWay: Promise<void> = Promise.resolve()
  private state: 'open' | 'closed' | 'aborted' = 'open'

  constructor(
    readonly name: string,
    private readonly handle: FileHandle,
    private readonly durable: boolean,
  ) {}

  write(bytes: Uint8Array): Promise<void> | void {
    if (this.state !== 'open') {
      throw new FileSystemError(`Cannot write to ${this.name}: it is ${this.state}`)
    }
    this.position += bytes.length
    if (this.staged + bytes.length <= STAGE_BYTES) {
      this.stage.set(bytes, this.staged)
      this.staged += bytes.length
      return
    }
    return this.flush(bytes)
  }

  async close(): Promise<void> {
    if (this.state !== 'open') return
    await this.flush()
    await this.underWay
    if (this.durable) await this.handle.sync().catch(localError('write', this.name))
    this.state = 'closed'
    await this.handle.close().catch(localError('close', this.name))
  }

  async abort(): Promise<void> {
    if (this.state !== 'open') return
    this.state = 'aborted'
    await this.underWay.catch(() => {})
    await this.handle.close()
    await unlink(this.name).catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort()
  }

  /** Hands what is gathered, and `more` after it, to the disk; waits for the write before that one. */
  private async flush(more?: Uint8Array): Promise<void> {
    const pieces: Uint8Array[] = []
    if (this.staged > 0) {
      pieces.push(this.stage.subarray(0, this.staged))
      this.stage = Buffer.allocUnsafeSlow(STAGE_BYTES)
      this.staged = 0
    }
    if (more && more.length < STAGE_BYTES / 2) {
      this.stage.set(more)
      this.staged = more.length
    } else if (more) pieces.push(more)
    const before = this.underWay
    this.underWay = before.then(() => this.writeAll(pieces))
    // Whoever writes or closes next meets the failure; until then it is not an unhandled one.
    this.underWay.catch(() => {})
    await before
  }

  private async writeAll(pieces: Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      for (let done = 0; done < piece.length; ) {
        const { bytesWritten } = await this.handle
          .write(piece, done, piece.length - done)
          .catch(localError('write', this.name))
        done += bytesWritten
      }
    }
  }
}
