import { createHash } from 'node:crypto'
import type { ByteSource, StreamOptions } from '../../io/byte-source.js'

/** A walk that leaves out less than this between two pieces fills it in from the file. */
const GAP_BYTES = 1024 * 1024

/** Digests a file while somebody else streams it, so that it is read once. */
export class DigestSource implements ByteSource {
  private readonly hash = createHash('sha256')
  private hashed = 0

  constructor(private readonly source: ByteSource) {}

  get name(): string {
    return this.source.name
  }

  get length(): number {
    return this.source.length
  }

  read(start: number, end: number): Promise<Uint8Array> {
    return this.source.read(start, end)
  }

  async *stream(start: number, end = this.length, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    if (start > this.hashed && start - this.hashed <= GAP_BYTES) {
      this.take(await this.source.read(this.hashed, start), this.hashed)
    }
    let position = start
    for await (const piece of this.source.stream(start, end, options)) {
      this.take(piece, position)
      position += piece.length
      yield piece
    }
  }

  /** SHA-256 of the whole file, in hex; what was not streamed is read now. To be called once. */
  async digest(options: StreamOptions = {}): Promise<string> {
    for await (const piece of this.source.stream(this.hashed, this.length, options)) this.hash.update(piece)
    return this.hash.digest('hex')
  }

  close(): Promise<void> {
    return this.source.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private take(piece: Uint8Array, position: number): void {
    if (position > this.hashed || position + piece.length <= this.hashed) return
    this.hash.update(piece.subarray(this.hashed - position))
    this.hashed = position + piece.length
  }
}
