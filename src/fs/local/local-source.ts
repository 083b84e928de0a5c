import { read, readSync } from 'node:fs'
import { FileSystemError, TruncatedError } from '../../errors.js'
import { type ByteSource, Reuse, requireRange, type StreamOptions } from '../../io/byte-source.js'
import { localError } from './local-error.js'
import { closeFile, openFile, statusOfOpen } from './short-calls.js'

/** Bytes of one read while streaming: large enough to cost few system calls, small enough to hold a few. */
const CHUNK_BYTES = 1024 * 1024

/** Reads of a stream under way at once: copying out of the page cache keeps a core busy, two are faster. */
const READS_AHEAD = 3

/**
 * Up to here a read is done on the spot: a trip to node's threads and back takes several times as long as
 * copying a picture out of the page cache, and a disk answers within a few milliseconds at worst.
 */
const READ_ON_SPOT_BYTES = 128 * 1024

/**
 * An open local file, by its descriptor and node's callbacks: a FileHandle and the promises around it cost
 * as much again as the system calls, which shows over millions of small files and of lookups.
 */
export class LocalSource implements ByteSource {
  private isOpen = true

  private constructor(
    readonly name: string,
    private readonly descriptor: number,
    readonly length: number,
  ) {}

  /** @param length bytes in the file, where that is known already */
  static async open(path: string, length?: number): Promise<LocalSource> {
    const descriptor = await openFile(path, 'r').catch(localError('open', path))
    try {
      if (length !== undefined) return new LocalSource(path, descriptor, length)
      const stats = await statusOfOpen(descriptor).catch(localError('open', path))
      if (stats.isFile()) return new LocalSource(path, descriptor, stats.size)
      throw new FileSystemError(`Cannot open ${path}: it is a folder, not a file`, { details: { path } })
    } catch (error) {
      await closeFile(descriptor)
      throw error
    }
  }

  async read(start: number, end: number, reuse?: Reuse): Promise<Uint8Array> {
    requireRange(this, start, end)
    const bytes = reuse ? reuse.take(end - start) : Buffer.allocUnsafeSlow(end - start)
    let filled = 0
    while (filled < bytes.length) {
      const bytesRead =
        bytes.length <= READ_ON_SPOT_BYTES
          ? this.readNow(bytes, filled, start + filled)
          : await this.readSome(bytes, filled, start + filled)
      if (bytesRead === 0) {
        throw new TruncatedError(
          `Cannot read bytes ${start} to ${end} of ${this.name}: the file now ends at ${start + filled}`,
          { details: { file: this.name, offset: start + filled } },
        )
      }
      filled += bytesRead
    }
    return bytes
  }

  async *stream(start: number, end = this.length, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    requireRange(this, start, end)
    const ahead: Promise<Uint8Array>[] = []
    // One more than are read ahead: the consumer's.
    const { pieceBytes = CHUNK_BYTES } = options
    const readsAhead = options.pieceBytes === undefined ? READS_AHEAD : 1
    const buffers = options.reuse ? Array.from({ length: readsAhead + 1 }, () => new Reuse()) : undefined
    let asked = start
    const readAhead = (): void => {
      for (; asked < end && ahead.length < readsAhead; asked += pieceBytes) {
        const buffer = buffers?.shift()
        if (buffer) buffers!.push(buffer)
        const chunk = this.read(asked, Math.min(end, asked + pieceBytes), buffer)
        // A chunk read ahead that nobody asks for any more must not become an unhandled rejection.
        chunk.catch(() => {})
        ahead.push(chunk)
      }
    }
    try {
      for (readAhead(); ahead.length > 0; readAhead()) {
        options.signal?.throwIfAborted()
        const chunk = await ahead.shift()!
        readAhead()
        yield chunk
      }
    } finally {
      await Promise.allSettled(ahead)
    }
  }

  async close(): Promise<void> {
    if (!this.isOpen) return
    this.isOpen = false
    await closeFile(this.descriptor).catch(localError('close', this.name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private readNow(bytes: Uint8Array, offset: number, position: number): number {
    this.requireOpen()
    try {
      return readSync(this.descriptor, bytes, offset, bytes.length - offset, position)
    } catch (error) {
      return localError('read', this.name)(error as NodeJS.ErrnoException)
    }
  }

  private readSome(bytes: Uint8Array, offset: number, position: number): Promise<number> {
    this.requireOpen()
    const { descriptor } = this
    return call<number>((done) =>
      read(descriptor, bytes, offset, bytes.length - offset, position, done),
    ).catch(localError('read', this.name))
  }

  /** A descriptor that was closed may be another file's by now. */
  private requireOpen(): void {
    if (!this.isOpen) throw new FileSystemError(`Cannot read ${this.name}: it is closed`)
  }
}

/** A call of node's with a callback, as a promise. */
function call<T>(
  start: (done: (error: NodeJS.ErrnoException | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}
