import { createHash } from 'node:crypto'
import type { ByteSink } from '../../io/byte-sink.js'

/** Passes bytes on and digests them on the way. */
export class DigestSink implements ByteSink {
  private readonly hash = createHash('sha256')

  constructor(private readonly sink: ByteSink) {}

  get name(): string {
    return this.sink.name
  }

  get position(): number {
    return this.sink.position
  }

  write(bytes: Uint8Array): Promise<void> | void {
    this.hash.update(bytes)
    return this.sink.write(bytes)
  }

  /** SHA-256 of what was written, in hex; asked for once, at the end. */
  digest(): string {
    return this.hash.digest('hex')
  }

  close(): Promise<void> {
    return this.sink.close()
  }

  abort(): Promise<void> {
    return this.sink.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort()
  }
}
