import { isAscii } from 'node:buffer'
import { FormatError } from '../../errors.js'
import { asBuffer, EMPTY_BYTES, joinBytes } from '../bytes.js'

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** U+FEFF, which some editors put at the beginning of a file. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const

/** A line that is longer is taken for a file that is no text. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

/** Node's own methods below `toString`, which takes as long again to find out which of them is meant. */
interface SlicedBuffer extends Buffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

export interface LineReaderOptions {
  /** The file, for messages. */
  name: string
  /** Where the first piece begins in the file, in bytes. @default 0 */
  start?: number
  /** Whether a line that is wanted begins there. @default only at 0 */
  beginsWithLine?: boolean
  /** The last byte at which a line that is wanted may begin. @default the last of all */
  end?: number
  /** @default 64 MiB */
  maxLineBytes?: number
}

/**
 * The lines of a text file, or of a split of it, as Hadoop's LineRecordReader finds them: they end with
 * `\n`, `\r` or `\r\n`, the last one may have no end, and a byte order mark at the file's beginning is none
 * of the first one's. A split that does not begin at 0 leaves its first line, whole or not, to the split
 * before, which therefore reads on up to a line that begins at its very end: so a file can be divided at any
 * byte, and each line comes once.
 *
 * As with other readers here `next` goes on in memory and `fill` waits for more. A line stands in the
 * reader's own fields, because of a billion of them each would cost an object.
 */
export class LineReader implements AsyncDisposable {
  /** The bytes that the line lies in, at [from, to); `fill` leaves them alone. */
  bytes: SlicedBuffer = asBuffer(EMPTY_BYTES) as SlicedBuffer
  from = 0
  to = 0
  /** Where the line begins in the file. */
  offset: number

  private readonly pieces: AsyncIterator<Uint8Array>
  private readonly name: string
  private readonly end: number
  private readonly maxLineBytes: number
  /** Where `bytes` begin in the file. */
  private bytesOffset: number
  /** Where the next line begins in `bytes`. */
  private at = 0
  /** The next ends at or after `at`, as far as they were looked for. */
  private lineFeed = 0
  private carriageReturn = 0
  private isAscii = true
  /** Whether `next` has found all that is in memory. */
  private isDrained = true
  /** Whether no piece follows. */
  private isLast = false
  private isLeavingFirst: boolean
  private ended = false

  /** @param pieces the file's bytes from `start` on, as far as they are asked for */
  constructor(pieces: AsyncIterable<Uint8Array>, options: LineReaderOptions) {
    const { start = 0 } = options
    this.pieces = pieces[Symbol.asyncIterator]()
    this.name = options.name
    this.bytesOffset = start
    this.offset = start
    this.end = options.end ?? Number.MAX_SAFE_INTEGER
    this.maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES
    this.isLeavingFirst = !(options.beginsWithLine ?? start === 0)
  }

  /**
   * Makes sure that `next` gets on: false at the end.
   * @throws FormatError when a line is too long.
   */
  async fill(): Promise<boolean> {
    if (this.ended) return false
    if (!this.isDrained) return true
    const rest = this.bytes.subarray(this.at)
    const parts: Uint8Array[] = rest.length > 0 ? [rest] : []
    let { length } = rest
    let offset = this.bytesOffset + this.at
    // After a carriage return any byte tells whether it is the whole end.
    const isEnding = rest.at(-1) === CARRIAGE_RETURN
    for (let found = false; !found; ) {
      const { done, value: piece } = await this.pieces.next()
      if (done) {
        this.isLast = true
        break
      }
      if (piece.length === 0) continue
      parts.push(piece)
      length += piece.length
      found = isEnding || piece.includes(LINE_FEED) || piece.includes(CARRIAGE_RETURN)
      if (found) continue
      if (!this.isLeavingFirst) this.requireLength(length, offset)
      else {
        // That line is another split's, however long it is.
        parts.length = 0
        offset += length
        length = 0
        if (offset >= this.end) return this.finish()
      }
    }
    this.bytes = asBuffer(joinBytes(parts)) as SlicedBuffer
    this.bytesOffset = offset
    this.at = 0
    this.lineFeed = -1
    this.carriageReturn = -1
    this.isAscii = isAscii(this.bytes)
    this.isDrained = false
    return true
  }

  /** Goes to the next line in memory; false when `fill` must get more. */
  next(): boolean {
    const { bytes } = this
    for (;;) {
      const from = this.at
      const offset = this.bytesOffset + from
      if (offset > this.end) return this.finish()
      if (this.lineFeed < from) this.lineFeed = indexOf(bytes, LINE_FEED, from)
      if (this.carriageReturn < from) this.carriageReturn = indexOf(bytes, CARRIAGE_RETURN, from)
      let to = this.lineFeed
      let next = to + 1
      if (this.carriageReturn < to) {
        to = this.carriageReturn
        next = to + 1
        // Whether it is followed by a line feed shows with the next piece.
        if (next === bytes.length && !this.isLast) return this.drain()
        if (bytes[next] === LINE_FEED) next++
      } else if (to === bytes.length) {
        if (!this.isLast) return this.drain()
        if (from === to) return this.finish()
        next = to
      }
      this.at = next
      if (this.isLeavingFirst) {
        this.isLeavingFirst = false
        continue
      }
      this.requireLength(to - from, offset)
      this.from = offset === 0 ? from + markBytes(bytes, from, to) : from
      this.to = to
      this.offset = offset
      return true
    }
  }

  /** The line as text; what is no UTF-8 in it becomes U+FFFD. */
  text(): string {
    const { from, to } = this
    // Of bytes that are ASCII this is the same, and takes three quarters of the time.
    return this.isAscii ? this.bytes.latin1Slice(from, to) : this.bytes.utf8Slice(from, to)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ended = true
    await this.pieces.return?.()
  }

  private drain(): false {
    this.isDrained = true
    return false
  }

  private finish(): false {
    this.ended = true
    return false
  }

  private requireLength(length: number, offset: number): void {
    if (length <= this.maxLineBytes) return
    throw new FormatError(
      `Cannot read the line at ${offset} of ${this.name}: it is longer than ${this.maxLineBytes} bytes; is the file text?`,
      { details: { file: this.name, offset } },
    )
  }
}

/** The length where there is none, so that positions compare. */
function indexOf(bytes: Buffer, byte: number, from: number): number {
  const found = bytes.indexOf(byte, from)
  return found < 0 ? bytes.length : found
}

function markBytes(bytes: Uint8Array, from: number, to: number): number {
  const isMark =
    to - from >= BYTE_ORDER_MARK.length && BYTE_ORDER_MARK.every((byte, i) => bytes[from + i] === byte)
  return isMark ? BYTE_ORDER_MARK.length : 0
}
