import { FormatError } from '../../errors.js'
import type { Reuse } from '../byte-source.js'
import { EMPTY_BYTES, readInt32 } from '../bytes.js'
import { MAX_BUFFER_BYTES } from '../codecs/codec.js'
import { Block, beyondEnd, locateBlock, requireSync } from '../sequence-file/block.js'
import { LENGTH_BYTES, RECORD_HEAD_BYTES, SYNC_BYTES, SYNC_ESCAPE } from '../sequence-file/format.js'
import type { OpenSequenceFile } from '../sequence-file/open.js'

/** A record whose key has been read and whose value is read when asked for. */
export interface CursorRecord {
  readonly key: Uint8Array
  readonly position: number
  /** With BLOCK its number within the block, else 0. */
  readonly inBlock: number
  value(): Promise<Uint8Array>
}

/** Memory that lookups use one after the other. */
export interface LookupMemory {
  readonly window: Reuse
  /** Of a value that does not fit into the window, where its key is. */
  readonly value: Reuse
}

const FIRST_WINDOW_BYTES = 4 * 1024
const MAX_WINDOW_BYTES = 64 * 1024

/**
 * Goes from record to record with small reads anywhere in a file, passing over values: what a lookup needs,
 * where a stream would fetch megabytes for one record.
 */
export class RecordCursor {
  private window: Uint8Array = EMPTY_BYTES
  private windowStart = 0
  private windowBytes: number
  private block: Block | undefined
  private nextInBlock = 0

  /**
   * @param position of a record or block
   * @param firstReadBytes how much to read at first, where the caller knows what it will need
   */
  constructor(
    private readonly file: OpenSequenceFile,
    private position: number,
    firstReadBytes = FIRST_WINDOW_BYTES,
    /** Where to read to, when no record is kept once the next one is asked for. */
    private readonly memory?: LookupMemory,
  ) {
    this.windowBytes = firstReadBytes
  }

  /** @throws FormatError when no record is here; TruncatedError when the file ends within one. */
  async next(): Promise<CursorRecord | undefined> {
    if (this.file.header.compression === 'BLOCK') return this.nextOfBlock()
    const position = this.position
    const head = await this.head()
    if (!head) return undefined
    const { keyStart, keyLength, end } = head
    await this.load(position, keyStart + keyLength - position)
    const key = this.bytes(keyStart, keyStart + keyLength)
    this.position = end
    const value = () => this.readValue(position, keyStart + keyLength, end)
    return { key, position, inBlock: 0, value }
  }

  /** Passes over a record, not with BLOCK, looking only at its lengths; returns where it ends. */
  async skip(): Promise<number> {
    const head = await this.head()
    if (head) this.position = head.end
    return this.position
  }

  /** The lengths of the record that begins here; undefined at the end of the file. */
  private async head(): Promise<{ keyStart: number; keyLength: number; end: number } | undefined> {
    const { source, header } = this.file
    const position = this.position
    if (position === source.length) return undefined
    let at = position
    await this.load(position, RECORD_HEAD_BYTES)
    if (this.int32(at) === SYNC_ESCAPE) {
      await this.load(position, SYNC_BYTES)
      requireSync(this.window, at - this.windowStart, header.syncMarker, source.name, position)
      at += SYNC_BYTES
      if (at === source.length) return undefined
      await this.load(position, SYNC_BYTES + RECORD_HEAD_BYTES)
    }
    const recordLength = this.int32(at)
    const keyLength = this.int32(at + LENGTH_BYTES)
    const keyStart = at + RECORD_HEAD_BYTES
    const end = keyStart + recordLength
    if (keyLength < 0 || keyLength > recordLength) {
      throw new FormatError(
        `Cannot read the record at ${position} of ${source.name}: its length is ${recordLength} and its key's ${keyLength}`,
        { details: { file: source.name, offset: position } },
      )
    }
    if (end > source.length) throw beyondEnd(source.name, position, end - position, source.length)
    return { keyStart, keyLength, end }
  }

  private async nextOfBlock(): Promise<CursorRecord | undefined> {
    const { source, header, codec } = this.file
    if (!this.block || this.nextInBlock === this.block.records) {
      const position = this.position
      if (position === source.length) return undefined
      await this.load(position, Math.min(SYNC_BYTES + 1, source.length - position))
      for (;;) {
        const at = position - this.windowStart
        const parts = locateBlock(this.window, at, header.syncMarker, source.name, position)
        if (typeof parts === 'number') {
          await this.load(position, parts)
          continue
        }
        this.block = new Block(this.window, parts, codec!, source.name, position)
        this.nextInBlock = 0
        this.position = this.windowStart + parts.end
        break
      }
    }
    const block = this.block
    const inBlock = this.nextInBlock++
    return {
      key: block.key(inBlock),
      position: block.position,
      inBlock,
      value: async () => block.value(inBlock),
    }
  }

  private async readValue(position: number, start: number, end: number): Promise<Uint8Array> {
    const { source, codec } = this.file
    const within = start >= this.windowStart && end <= this.windowStart + this.window.length
    const bytes = within ? this.bytes(start, end) : await source.read(start, end, this.memory?.value)
    if (!codec) return bytes
    try {
      return codec.decompress(bytes, MAX_BUFFER_BYTES)
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause
      throw new FormatError(`Cannot read the record at ${position} of ${source.name}: ${cause.message}`, {
        cause,
        details: { file: source.name, offset: position },
      })
    }
  }

  /** Makes sure that the window holds [position, position + count). */
  private async load(position: number, count: number): Promise<void> {
    const { source } = this.file
    if (position + count > source.length) throw beyondEnd(source.name, position, count, source.length)
    if (position >= this.windowStart && position + count <= this.windowStart + this.window.length) return
    const end = Math.min(source.length, position + Math.max(count, this.windowBytes))
    this.window = await source.read(position, end, this.memory?.window)
    this.windowStart = position
    this.windowBytes = Math.min(MAX_WINDOW_BYTES, Math.max(this.windowBytes, FIRST_WINDOW_BYTES) * 2)
  }

  private int32(position: number): number {
    return readInt32(this.window, position - this.windowStart)
  }

  private bytes(start: number, end: number): Uint8Array {
    return this.window.subarray(start - this.windowStart, end - this.windowStart)
  }
}
