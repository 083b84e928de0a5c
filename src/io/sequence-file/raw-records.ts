import { FormatError, UnsupportedError } from '../../errors.js'
import type { ByteSource } from '../byte-source.js'
import { readInt32 } from '../bytes.js'
import { beyondEnd, requireSync } from './block.js'
import { LENGTH_BYTES, RECORD_HEAD_BYTES, SYNC_BYTES, SYNC_ESCAPE } from './format.js'
import { openSequenceFile } from './open.js'

/**
 * The bytes of all records of a file, as they stand, in pieces of any size. Files with the same classes,
 * compression (NONE or RECORD), codec and sync marker are joined by writing the pieces of one after those
 * of the other. The records' lengths are followed, so that a file that is cut short is not joined unseen.
 * @throws UnsupportedError for a block-compressed file.
 * @throws TruncatedError or FormatError when the records don't fill the file.
 */
export async function* rawRecords(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const { header, headerLength } = await openSequenceFile(source)
  if (header.compression === 'BLOCK') {
    throw new UnsupportedError(`Cannot copy the records of ${source.name} raw: it is block-compressed`)
  }
  const walker = new RecordWalker(source, header.syncMarker, headerLength)
  for await (const piece of source.stream(headerLength, source.length, signal ? { signal } : {})) {
    walker.walk(piece)
    yield piece
  }
  walker.finish()
}

/** Follows the records in the pieces of a file by their lengths, looking at no key and no value. */
export class RecordWalker {
  records = 0
  /** Where the last record begins, with the sync marker before it. */
  lastRecord: number | undefined
  /** Where the last sync marker ends. */
  lastSync: number | undefined
  private readonly head = Buffer.alloc(SYNC_BYTES + RECORD_HEAD_BYTES)
  private headBytes = 0
  /** Bytes of the record that are still to come. */
  private skip = 0

  constructor(
    private readonly source: ByteSource,
    private readonly syncMarker: Uint8Array,
    /** File position of the next byte. */
    private position: number,
  ) {}

  walk(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const wanted = this.skip || this.headNeeded() - this.headBytes
      const taken = Math.min(wanted, piece.length - at)
      if (this.skip > 0) this.skip -= taken
      else {
        this.head.set(piece.subarray(at, at + taken), this.headBytes)
        this.headBytes += taken
        if (this.headBytes === this.headNeeded()) this.takeHead(this.position + taken)
      }
      at += taken
      this.position += taken
    }
  }

  /** @throws TruncatedError when the file ended within a record. */
  finish(): void {
    const trailingSync = this.headBytes === SYNC_BYTES && this.headNeeded() > SYNC_BYTES
    if (this.skip === 0 && (this.headBytes === 0 || trailingSync)) return
    const begun = this.skip > 0 ? this.lastRecord! : this.position - this.headBytes
    throw beyondEnd(this.source.name, begun, this.position + this.skip - begun, this.position)
  }

  private headNeeded(): number {
    if (this.headBytes < LENGTH_BYTES) return LENGTH_BYTES
    return readInt32(this.head, 0) === SYNC_ESCAPE ? SYNC_BYTES + RECORD_HEAD_BYTES : RECORD_HEAD_BYTES
  }

  private takeHead(end: number): void {
    if (this.headBytes === LENGTH_BYTES) return
    const start = end - this.headBytes
    const name = this.source.name
    let at = 0
    if (this.headBytes > RECORD_HEAD_BYTES) {
      requireSync(this.head, 0, this.syncMarker, name, start)
      at = SYNC_BYTES
      this.lastSync = start + SYNC_BYTES
    }
    const recordLength = readInt32(this.head, at)
    const keyLength = readInt32(this.head, at + LENGTH_BYTES)
    if (keyLength < 0 || keyLength > recordLength) {
      throw new FormatError(
        `Cannot read the record at ${start} of ${name}: its length is ${recordLength} and its key's ${keyLength}`,
        { details: { file: name, offset: start } },
      )
    }
    if (end + recordLength > this.source.length) {
      throw beyondEnd(name, start, end + recordLength - start, this.source.length)
    }
    this.records++
    this.lastRecord = start
    this.skip = recordLength
    this.headBytes = 0
  }
}
