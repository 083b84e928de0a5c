import { TruncatedError } from '../errors.js'
import { EMPTY_BYTES } from './bytes.js'

/**
 * A file as the formats see it: a name for messages, a length, and two ways to get at its bytes.
 * `read` is for a few bytes anywhere, `stream` for much in a row. File systems make these; the formats
 * know nothing else of where bytes come from.
 */
export interface ByteSource extends AsyncDisposable {
  /** Path or URI, for messages. */
  readonly name: string
  /** Bytes in the file when it was opened. */
  readonly length: number
  /**
   * The bytes [start, end). Never fewer.
   * @param reuse the caller's, which ends with the next read what this one returned; a source may ignore it
   * @throws TruncatedError when the file ends before `end`.
   */
  read(start: number, end: number, reuse?: Reuse): Promise<Uint8Array>
  /**
   * The bytes [start, end) in pieces of any size, in order, read ahead while the consumer works. A piece
   * is the consumer's to keep: it is never written to again, unless `reuse` says that it may be. Leaving
   * the loop early frees what is held.
   * @throws TruncatedError when the file ends before `end`.
   */
  stream(start: number, end?: number, options?: StreamOptions): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

export interface StreamOptions {
  /** Ends the stream with its reason. */
  signal?: AbortSignal
  /** A piece may be written to again as soon as the next one is asked for. @default false */
  reuse?: boolean
  /** Bytes of a piece, of which one is read ahead, where memory is scarce. @default the source's own */
  pieceBytes?: number
}

/**
 * Memory that reads fill one after the other. The system clears fresh memory page by page before it is
 * first written to, which takes as long as the copy out of the page cache itself.
 */
export class Reuse {
  private bytes = EMPTY_BYTES

  take(length: number): Uint8Array {
    if (this.bytes.length < length) this.bytes = Buffer.allocUnsafeSlow(length)
    return this.bytes.subarray(0, length)
  }
}

/** A source over bytes in memory. */
export class MemorySource implements ByteSource {
  constructor(
    readonly bytes: Uint8Array,
    readonly name = 'memory',
  ) {}

  get length(): number {
    return this.bytes.length
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    requireRange(this, start, end)
    return this.bytes.subarray(start, end)
  }

  async *stream(start: number, end = this.length): AsyncIterable<Uint8Array> {
    requireRange(this, start, end)
    if (end > start) yield this.bytes.subarray(start, end)
  }

  async close(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Throws TruncatedError unless [start, end) lies within the source. */
export function requireRange(source: ByteSource, start: number, end: number): void {
  if (start >= 0 && start <= end && end <= source.length) return
  throw new TruncatedError(
    `Cannot read bytes ${start} to ${end} of ${source.name}: the file has ${source.length} bytes`,
    { details: { file: source.name, offset: start, length: source.length } },
  )
}
