import { close, fstat, open, read, type Stats } from 'node:fs'
import { FileSystemError, TruncatedError } from '../../errors.js'
import { type ByteSource, requireRange, type StreamOptions } from '../../io/byte-source.js'
import { localError } from './local-error.js'

/** Bytes of one read while streaming: large enough to cost few system calls, small enough to hold two. */
const CHUNK_BYTES = 1024 * 1024

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
    const descriptor = await call<number>((done) => open(path, 'r', done)).catch(localError('open', path))
    try {
      if (length !== undefined) return new LocalSource(path, descriptor, length)
      const stats = await call<Stats>((done) => fstat(descriptor, done)).catch(localError('open', path))
      if (stats.isFile()) return new LocalSource(path, descriptor, stats.size)
      throw new FileSystemError(`Cannot open ${path}: it is a folder, not a file`, { details: { path } })
    } catch (error) {
      await call<void>((done) => close(descriptor, done))
      throw error
    }
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    requireRange(this, start, end)
    const bytes = Buffer.allocUnsafeSlow(end - start)
    let filled = 0
    while (filled < bytes.length) {
      const bytesRead = await this.readSome(bytes, filled, start + filled)
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
    const readChunk = (at: number) => this.read(at, Math.min(end, at + CHUNK_BYTES))
    let ahead = start < end ? readChunk(start) : undefined
    try {
      for (let at = start; ahead; ) {
        options.signal?.throwIfAborted()
        const chunk: Uint8Array = await ahead
        at += chunk.length
        ahead = at < end ? readChunk(at) : undefined
        // A chunk read ahead that nobody asks for any more must not become an unhandled rejection.
        ahead?.catch(() => {})
        yield chunk
      }
    } finally {
      await ahead?.catch(() => {})
    }
  }

  async close(): Promise<void> {
    if (!this.isOpen) return
    this.isOpen = false
    await call<void>((done) => close(this.descriptor, done)).catch(localError('close', this.name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private readSome(bytes: Buffer, offset: number, position: number): Promise<number> {
    // A descriptor that was closed may be another file's by now.
    if (!this.isOpen) throw new FileSystemError(`Cannot read ${this.name}: it is closed`)
    const { descriptor } = this
    return call<number>((done) =>
      read(descriptor, bytes, offset, bytes.length - offset, position, done),
    ).catch(localError('read', this.name))
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
