import type { FileHandle } from 'node:fs/promises'
import { TruncatedError } from '../../errors.js'
import { type ByteSource, requireRange, type StreamOptions } from '../../io/byte-source.js'
import { localError } from './local-error.js'

/** Bytes of one read while streaming: large enough to cost few system calls, small enough to hold two. */
const CHUNK_BYTES = 1024 * 1024

/** An open local file. */
export class LocalSource implements ByteSource {
  constructor(
    readonly name: string,
    private readonly handle: FileHandle,
    readonly length: number,
  ) {}

  async read(start: number, end: number): Promise<Uint8Array> {
    requireRange(this, start, end)
    const bytes = Buffer.allocUnsafeSlow(end - start)
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await this.handle
        .read(bytes, filled, bytes.length - filled, start + filled)
        .catch(localError('read', this.name))
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
    await this.handle.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
