import { fsync, write } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { FileSystemError } from '../../errors.js'
import type { ByteSink } from '../../io/byte-sink.js'
import { EMPTY_BYTES } from '../../io/bytes.js'
import { localError } from './local-error.js'
import { closeFile, writeFew } from './short-calls.js'

/** Writes below this are gathered; a larger one goes to the disk from where it lies. */
const STAGE_BYTES = 256 * 1024

/** What is gathered at first: most files of a job hold a report or a few records. */
const FIRST_STAGE_BYTES = 4 * 1024

/**
 * A local file being written. One write to the disk is under way while the next is gathered, so that the
 * disk works beside the caller.
 */
export class LocalSink implements ByteSink {
  position = 0
  private stage = EMPTY_BYTES
  private staged = 0
  private underWay: Promise<void> = Promise.resolve()
  private state: 'open' | 'closed' | 'aborted' = 'open'

  constructor(
    readonly name: string,
    private readonly descriptor: number,
    private readonly durable: boolean,
  ) {}

  write(bytes: Uint8Array): Promise<void> | void {
    if (this.state !== 'open') {
      throw new FileSystemError(`Cannot write to ${this.name}: it is ${this.state}`)
    }
    this.position += bytes.length
    if (this.staged + bytes.length <= STAGE_BYTES) {
      this.reserve(this.staged + bytes.length)
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
    if (this.durable) await promisify(fsync)(this.descriptor).catch(localError('write', this.name))
    this.state = 'closed'
    await closeFile(this.descriptor).catch(localError('close', this.name))
  }

  async abort(): Promise<void> {
    if (this.state !== 'open') return
    this.state = 'aborted'
    await this.underWay.catch(() => {})
    await closeFile(this.descriptor)
    await unlink(this.name).catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort()
  }

  private reserve(bytes: number): void {
    if (this.stage.length >= bytes) return
    const grown = Math.max(FIRST_STAGE_BYTES, 2 ** Math.ceil(Math.log2(bytes)))
    const stage = Buffer.allocUnsafeSlow(Math.min(STAGE_BYTES, grown))
    stage.set(this.stage.subarray(0, this.staged))
    this.stage = stage
  }

  /** Hands what is gathered, and `more` after it, to the disk; waits for the write before that one. */
  private async flush(more?: Uint8Array): Promise<void> {
    const pieces: Uint8Array[] = []
    if (this.staged > 0) {
      pieces.push(this.stage.subarray(0, this.staged))
      this.stage = EMPTY_BYTES
      this.staged = 0
    }
    if (more && more.length < STAGE_BYTES / 2) {
      // Where much is written more will be.
      this.reserve(STAGE_BYTES)
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
        const rest = piece.subarray(done)
        const writing =
          rest.length <= FIRST_STAGE_BYTES
            ? writeFew(this.descriptor, rest)
            : writeMuch(this.descriptor, rest)
        done += await writing.catch(localError('write', this.name))
      }
    }
  }
}

async function writeMuch(descriptor: number, bytes: Uint8Array): Promise<number> {
  return (await promisify(write)(descriptor, bytes)).bytesWritten
}
