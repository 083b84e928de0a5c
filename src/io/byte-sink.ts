/**
 * Where a format writes its bytes, in order. `close` makes them durable as far as the file system does;
 * `abort` (or disposing without `close`) throws them away and leaves no file.
 */
export interface ByteSink extends AsyncDisposable {
  /** Path or URI, for messages. */
  readonly name: string
  /** Bytes taken so far. */
  readonly position: number
  /**
   * Takes the bytes over: the caller does not change them afterwards. Resolves when the sink is ready for
   * more, which is its back-pressure; small writes are gathered, so awaiting each one is cheap.
   */
  write(bytes: Uint8Array): Promise<void> | void
  close(): Promise<void>
  abort(): Promise<void>
}

/** A sink that keeps everything in memory. */
export class MemorySink implements ByteSink {
  private readonly chunks: Uint8Array[] = []
  position = 0

  constructor(readonly name = 'memory') {}

  write(bytes: Uint8Array): void {
    this.chunks.push(bytes.slice())
    this.position += bytes.length
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.chunks)
  }

  async close(): Promise<void> {}
  async abort(): Promise<void> {
    this.chunks.length = 0
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
