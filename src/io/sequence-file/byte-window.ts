import { TruncatedError } from '../../errors.js'
import { type ByteSource, Reuse } from '../byte-source.js'
import { EMPTY_BYTES } from '../bytes.js'
import { beyondEnd } from './block.js'

/**
 * The part of a file's bytes that a scan has in memory, moving forward over one stream. A parser looks at
 * `chunk` from `at` on and asks for more when its next item is not whole.
 */
export class ByteWindow {
  chunk: Uint8Array = EMPTY_BYTES
  /** The next byte within the chunk. */
  at = 0
  /** Where the chunk begins in the file. */
  chunkPosition: number
  /** What follows the chunk and is in memory already. */
  private rest: Uint8Array = EMPTY_BYTES
  private stream: AsyncIterator<Uint8Array> | undefined
  private streamed: number
  private streamEnd = 0
  /** Where items that lie across chunks are put together. */
  private readonly joints: Reuse | undefined

  constructor(
    private readonly source: ByteSource,
    position: number,
    /** Up to here the stream is sure to be needed; what follows is asked for in small steps. */
    private readonly rangeEnd: number,
    private readonly readAheadBytes: number,
    private readonly signal: AbortSignal | undefined,
    /** Whether the chunk may be written to again once another one is loaded. */
    private readonly reuse = false,
  ) {
    this.joints = reuse ? new Reuse() : undefined
    this.chunkPosition = position
    this.streamed = position
  }

  get position(): number {
    return this.chunkPosition + this.at
  }

  /** Moves on to bytes that are in memory already, once the chunk is used up. */
  advance(): boolean {
    if (this.at < this.chunk.length || this.rest.length === 0) return false
    this.take(this.rest)
    this.rest = EMPTY_BYTES
    return true
  }

  /**
   * Makes sure that the chunk holds `needed` bytes from `at`; false at the end of the file.
   * @throws TruncatedError when the file ends among them.
   */
  async load(needed: number): Promise<boolean> {
    const remainder = this.chunk.length - this.at
    if (remainder >= needed) return true
    if (remainder > 0) {
      await this.assemble(remainder, needed)
      return true
    }
    if (this.advance()) return true
    const piece = await this.pull()
    if (piece) this.take(piece)
    return piece !== undefined
  }

  async seek(position: number): Promise<void> {
    const offset = position - this.chunkPosition
    // After a failure pieces may be missing between what is held and where the stream stands.
    const seamless = this.chunkPosition + this.chunk.length + this.rest.length === this.streamed
    if (seamless && offset >= 0 && offset < this.chunk.length) {
      this.at = offset
      return
    }
    await this.close()
    this.chunk = EMPTY_BYTES
    this.rest = EMPTY_BYTES
    this.at = 0
    this.chunkPosition = position
    this.streamed = position
  }

  async close(): Promise<void> {
    const stream = this.stream
    this.stream = undefined
    await stream?.return?.()
  }

  private take(chunk: Uint8Array): void {
    this.chunkPosition += this.chunk.length
    this.chunk = chunk
    this.at = 0
  }

  /** Makes a chunk of exactly the bytes that an item across chunks needs, copying each byte once. */
  private async assemble(remainder: number, needed: number): Promise<void> {
    const position = this.position
    const joined = this.joints?.take(needed) ?? Buffer.allocUnsafeSlow(needed)
    joined.set(this.chunk.subarray(this.at))
    for (let filled = remainder; filled < needed; ) {
      const piece = this.rest.length > 0 ? this.rest : await this.pull()
      if (piece === undefined) throw beyondEnd(this.source.name, position, needed, this.streamed)
      const taken = Math.min(piece.length, needed - filled)
      joined.set(piece.subarray(0, taken), filled)
      filled += taken
      this.rest = piece.subarray(taken)
    }
    this.chunk = joined
    this.chunkPosition = position
    this.at = 0
  }

  private async pull(): Promise<Uint8Array | undefined> {
    const { source, signal } = this
    for (;;) {
      signal?.throwIfAborted()
      if (!this.stream) {
        if (this.streamed >= source.length) return undefined
        this.streamEnd = Math.min(source.length, Math.max(this.rangeEnd, this.streamed) + this.readAheadBytes)
        const pieces = source.stream(this.streamed, this.streamEnd, {
          reuse: this.reuse,
          ...(signal ? { signal } : {}),
        })
        this.stream = pieces[Symbol.asyncIterator]()
      }
      const { done, value } = await this.stream.next()
      if (!done) {
        this.streamed += value.length
        if (value.length > 0) return value
        continue
      }
      this.stream = undefined
      if (this.streamed < this.streamEnd) {
        throw new TruncatedError(
          `Cannot read ${source.name}: its stream ended at ${this.streamed} instead of ${this.streamEnd}`,
          { details: { file: source.name, offset: this.streamed } },
        )
      }
    }
  }
}
