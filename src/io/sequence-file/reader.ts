import { FormatError } from '../../errors.js'
import type { ByteSource } from '../byte-source.js'
import { readInt32 } from '../bytes.js'
import { type Codec, MAX_BUFFER_BYTES } from '../codecs/codec.js'
import { Block, beyondEnd, locateBlock, requireSync } from './block.js'
import { ByteWindow } from './byte-window.js'
import { LENGTH_BYTES, type RawRecord, RECORD_HEAD_BYTES, SYNC_BYTES, SYNC_ESCAPE } from './format.js'
import type { SequenceFileHeader } from './header.js'
import { type OpenSequenceFile, openSequenceFile } from './open.js'
import { findSync } from './sync-search.js'

export interface SequenceFileReaderOptions {
  /** First byte of the split. @default 0 */
  start?: number
  /** First byte after the split. @default the file's length */
  end?: number
  /** Ends the reading with its reason. */
  signal?: AbortSignal
  /** Bytes asked of the source beyond the split's end at a time. @default 1 MiB */
  readAheadBytes?: number
  /**
   * Keys and values are valid until the next `fill` only: their memory is used again, as in Hadoop's
   * readers, which takes half of the time from a scan of large values. @default false
   */
  reuse?: boolean
}

const DEFAULT_READ_AHEAD_BYTES = 1024 * 1024

/**
 * Reads the records of a SequenceFile, or of a split of it, in order. For a split it returns exactly what
 * Hadoop's record reader does: from the first sync marker at or after its start to the first one at or
 * after its end, so that over all splits every record comes once.
 *
 * Two calls keep the scan fast: `next()` returns what is in memory without waiting, `fill()` gets more.
 * ```ts
 * while (await reader.fill()) for (let r = reader.next(); r; r = reader.next()) use(r)
 * ```
 * Keys and values are views of what was read wherever they lie in one piece. After a FormatError the
 * reader stands at the record that can't be read; `sync(position() + 1)` goes on behind it.
 */
export class SequenceFileReader implements AsyncDisposable {
  readonly header: SequenceFileHeader
  /** Bytes of the header: where the first record is. */
  readonly headerLength: number
  private readonly source: ByteSource
  private readonly codec: Codec | undefined
  private readonly window: ByteWindow
  /** Bytes from the next one on that `next` found missing the last time. */
  private needed = 0
  private ended = false
  private block: Block | undefined
  private nextInBlock = 0
  private readonly syncMarker: Uint8Array
  private readonly blocks: boolean

  private constructor(
    file: OpenSequenceFile,
    position: number,
    private readonly rangeEnd: number,
    options: SequenceFileReaderOptions,
  ) {
    this.source = file.source
    this.header = file.header
    this.headerLength = file.headerLength
    this.codec = file.codec
    this.syncMarker = file.header.syncMarker
    this.blocks = file.header.compression === 'BLOCK'
    const readAhead = options.readAheadBytes ?? DEFAULT_READ_AHEAD_BYTES
    const { signal, reuse } = options
    this.window = new ByteWindow(file.source, position, rangeEnd, readAhead, signal, reuse)
  }

  /**
   * Reads the header and goes to the split's first record. The source stays the caller's to close.
   * @throws FormatError when it is no SequenceFile; TruncatedError when it is cut short.
   * @throws UnsupportedError for a version or codec that is not known here.
   */
  static async open(
    source: ByteSource,
    options: SequenceFileReaderOptions = {},
  ): Promise<SequenceFileReader> {
    const file = await openSequenceFile(source)
    const end = Math.min(options.end ?? source.length, source.length)
    const reader = new SequenceFileReader(file, file.headerLength, end, options)
    const { start = 0 } = options
    if (start > file.headerLength) {
      await reader.seek(await findSync(source, reader.syncMarker, reader.headerLength, start, end))
    }
    // A whole file that ends with its header is empty; so is a split that ends before its first record.
    if (reader.position() >= end) reader.ended = true
    return reader
  }

  /**
   * A reader of a file that was opened before, from a known position to the first record at or after `end`.
   * The caller stops at `end` itself where no sync marker stands there.
   */
  static resume(
    file: OpenSequenceFile,
    position: number,
    options: Omit<SequenceFileReaderOptions, 'start'> = {},
  ): SequenceFileReader {
    const end = Math.min(options.end ?? file.source.length, file.source.length)
    return new SequenceFileReader(file, position, end, options)
  }

  /** The next record that is in memory; undefined when `fill` must get more, or the range has ended. */
  next(): RawRecord | undefined {
    for (;;) {
      const record = this.blocks ? this.parseBlock() : this.parseRecord()
      if (record !== undefined || this.ended || !this.window.advance()) return record
    }
  }

  /**
   * Makes sure that `next` gets on: false when the range has ended.
   * @throws TruncatedError when the file ends within a record.
   */
  async fill(): Promise<boolean> {
    if (this.block) return true
    if (this.ended) return false
    if (await this.window.load(this.needed || 1)) return true
    this.ended = true
    return false
  }

  /** Where the next record begins, or with BLOCK the block that it is in. */
  position(): number {
    return this.block ? this.block.position : this.window.position
  }

  /** Goes to a position that a writer, an index or a record told. */
  async seek(position: number): Promise<void> {
    if (position < 0 || position > this.source.length) {
      throw new FormatError(
        `Cannot go to ${position} of ${this.source.name}: the file has ${this.source.length} bytes`,
        { details: { file: this.source.name, offset: position, length: this.source.length } },
      )
    }
    this.block = undefined
    this.needed = 0
    this.ended = position >= this.rangeEnd && position >= this.source.length
    await this.window.seek(position)
  }

  /** Goes to the next sync marker at or after `position`, as Hadoop's Reader.sync; else to the file's end. */
  async sync(position: number): Promise<void> {
    await this.seek(await findSync(this.source, this.syncMarker, this.headerLength, position))
  }

  /** Frees what the scan holds. The source stays open. */
  async close(): Promise<void> {
    await this.window.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawRecord> {
    while (await this.fill()) for (let record = this.next(); record; record = this.next()) yield record
  }

  private parseRecord(): RawRecord | undefined {
    const { chunk, at } = this.window
    if (chunk.length - at < RECORD_HEAD_BYTES) return this.want(RECORD_HEAD_BYTES)
    let head = at
    let recordLength = readInt32(chunk, at)
    const position = this.window.chunkPosition + at
    if (recordLength === SYNC_ESCAPE) {
      if (chunk.length - at < SYNC_BYTES) return this.want(SYNC_BYTES)
      requireSync(chunk, at, this.syncMarker, this.source.name, position)
      if (position >= this.rangeEnd || position + SYNC_BYTES === this.source.length) return this.finish()
      head += SYNC_BYTES
      if (chunk.length - head < RECORD_HEAD_BYTES) return this.want(SYNC_BYTES + RECORD_HEAD_BYTES)
      recordLength = readInt32(chunk, head)
    }
    const keyLength = readInt32(chunk, head + LENGTH_BYTES)
    if (keyLength < 0 || keyLength > recordLength) throw this.badLengths(recordLength, keyLength)
    const keyStart = head + RECORD_HEAD_BYTES
    const end = keyStart + recordLength
    if (end > chunk.length) return this.want(end - at)
    // Making views this way costs half of what a Buffer's subarray does, and this is done for every record.
    const memory = chunk.byteOffset + keyStart
    const value = new Uint8Array(chunk.buffer, memory + keyLength, recordLength - keyLength)
    const record = {
      key: new Uint8Array(chunk.buffer, memory, keyLength),
      value: this.codec === undefined ? value : this.decompress(value),
      position,
    }
    this.window.at = end
    this.needed = 0
    return record
  }

  private parseBlock(): RawRecord | undefined {
    const block = this.block
    if (block) {
      const record = block.record(this.nextInBlock++)
      if (this.nextInBlock === block.records) this.block = undefined
      return record
    }
    const { window } = this
    const position = window.position
    if (position >= this.rangeEnd) return this.finish()
    const parts = locateBlock(window.chunk, window.at, this.syncMarker, this.source.name, position)
    if (typeof parts === 'number') return this.want(parts)
    const loaded = new Block(window.chunk, parts, this.codec!, this.source.name, position)
    loaded.loadValues()
    window.at = parts.end
    this.needed = 0
    this.nextInBlock = 1
    if (loaded.records > 1) this.block = loaded
    return loaded.record(0)
  }

  /** Notes that a record takes `count` bytes from here, once it is sure that the file has them. */
  private want(count: number): undefined {
    const position = this.window.position
    const left = this.source.length - position
    if (left === 0) return this.finish()
    if (count > left) throw beyondEnd(this.source.name, position, count, this.source.length)
    this.needed = count
  }

  private finish(): undefined {
    this.ended = true
  }

  private decompress(value: Uint8Array): Uint8Array {
    try {
      return this.codec!.decompress(value, MAX_BUFFER_BYTES)
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause
      throw new FormatError(
        `Cannot read the record at ${this.position()} of ${this.source.name}: ${cause.message}`,
        { cause, details: { file: this.source.name, offset: this.position() } },
      )
    }
  }

  private badLengths(recordLength: number, keyLength: number): FormatError {
    return new FormatError(
      `Cannot read the record at ${this.position()} of ${this.source.name}: its length is ${recordLength} and its key's ${keyLength}`,
      { details: { file: this.source.name, offset: this.position() } },
    )
  }
}
