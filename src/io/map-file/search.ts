import { FormatError, TruncatedError } from '../../errors.js'
import { equalBytes } from '../bytes.js'
import { RECORD_HEAD_BYTES, SYNC_BYTES } from '../sequence-file/format.js'
import type { OpenSequenceFile } from '../sequence-file/open.js'
import type { PackedIndex } from './packed-index.js'
import { type CursorRecord, type LookupMemory, RecordCursor } from './record-cursor.js'
import { showKey } from './verifier.js'

/** Index ranges up to this are fetched whole, because one read costs less than several. */
const WHOLE_RANGE_BYTES = 64 * 1024
/** The same where the range is known to be a single record. */
const WHOLE_RECORD_BYTES = 4 * 1024 * 1024

const BITS_PER_BYTE = 8

/** Searches a MapFile's data with the help of its index, by small reads. */
export class MapFileSearch {
  /** A bit for each index entry that is known to have no record between itself and the next entry. */
  private readonly alone: Uint8Array

  constructor(
    private readonly file: OpenSequenceFile,
    private readonly index: PackedIndex,
    private readonly compare: (a: Uint8Array, b: Uint8Array) => number,
    /** Whether it is known that every record has an index entry. */
    private readonly everyRecordIndexed: boolean,
    private readonly memory: LookupMemory | undefined,
  ) {
    this.alone = new Uint8Array(Math.ceil(index.count / BITS_PER_BYTE))
  }

  /**
   * The first record with this key, else the one after it or before it.
   * @param exactOnly nothing else than the key itself is of use
   */
  async find(key: Uint8Array, before: boolean, exactOnly: boolean): Promise<CursorRecord | undefined> {
    const { index } = this
    const single = this.everyRecordIndexed
    const entry = index.firstNotBelow(key)
    const indexed = entry < index.count && this.compare(index.key(entry), key) === 0
    if (!indexed) return exactOnly && single ? undefined : this.walk(entry - 1, key, before)
    if (single || entry === 0) return this.walk(entry, key, before, single)
    try {
      // Records with the same key may stand before the entry's; with BLOCK also in the blocks before.
      const blocks = this.file.header.compression === 'BLOCK'
      if (blocks || !(await this.nothingBetween(entry - 1))) return await this.walk(entry - 1, key, before)
    } catch (error) {
      // What stands before is damaged; the entry itself still leads to a record with the key.
      if (!(error instanceof FormatError)) throw error
    }
    return this.walk(entry, key, before, true)
  }

  /**
   * Searches from an index entry on.
   * @param single whether up to the next entry there is probably only one record
   */
  private async walk(
    entry: number,
    key: Uint8Array,
    before: boolean,
    single = false,
  ): Promise<CursorRecord | undefined> {
    const cursor = this.cursorAt(entry, single, before ? undefined : this.memory)
    let previous: CursorRecord | undefined
    for (let record = await cursor.next(); record; record = await cursor.next()) {
      if (previous === undefined) this.requireIndexed(entry, record)
      const order = this.compare(record.key, key)
      if (order === 0 || (order > 0 && !before)) return record
      if (order > 0) break
      previous = record
    }
    return before ? previous : undefined
  }

  /** The last record's key. */
  async finalKey(): Promise<Uint8Array | undefined> {
    const cursor = this.cursorAt(this.index.count - 1)
    let last: Uint8Array | undefined
    for (let record = await cursor.next(); record; record = await cursor.next()) last = record.key
    return last
  }

  /** Where a scan begins that is to meet every record with this key. */
  startFor(key: Uint8Array): number {
    return this.positionOf(this.index.firstNotBelow(key) - 1)
  }

  /** A cursor at an index entry, or with -1 at the first record. */
  private cursorAt(entry: number, single = false, memory?: LookupMemory): RecordCursor {
    const { index } = this
    const position = this.positionOf(entry)
    const next = entry + 1 < index.count ? index.position(entry + 1) : this.file.source.length
    const whole = next - position <= (single ? WHOLE_RECORD_BYTES : WHOLE_RANGE_BYTES) && next > position
    return new RecordCursor(this.file, position, whole ? next - position : undefined, memory)
  }

  /** Whether the record of an index entry ends where that of the next one begins. */
  private async nothingBetween(entry: number): Promise<boolean> {
    const at = Math.floor(entry / BITS_PER_BYTE)
    const bit = 1 << (entry % BITS_PER_BYTE)
    if ((this.alone[at]! & bit) !== 0) return true
    const cursor = new RecordCursor(this.file, this.positionOf(entry), SYNC_BYTES + RECORD_HEAD_BYTES)
    const alone = (await cursor.skip()) === this.index.position(entry + 1)
    if (alone) this.alone[at]! |= bit
    return alone
  }

  private positionOf(entry: number): number {
    const { index } = this
    const { source, header, headerLength } = this.file
    if (entry < 0) return headerLength
    const position = index.position(entry)
    const { name, length } = source
    if (position >= headerLength && position < length) return position
    const Class = position >= length ? TruncatedError : FormatError
    throw new Class(
      `Cannot read record ${showKey(header.keyClass, index.key(entry))} of ${name}: its index points to ${position}, and the file has ${length} bytes; run "pixelreduce fix"`,
      { details: { file: name, offset: position, length } },
    )
  }

  /** Catches an index that is not this file's: with NONE and RECORD an entry's key stands where it points. */
  private requireIndexed(entry: number, record: CursorRecord): void {
    const { source, header } = this.file
    const { index } = this
    if (entry < 0 || header.compression === 'BLOCK') return
    if (equalBytes(record.key, index.key(entry))) return
    const { name } = source
    throw new FormatError(
      `Cannot read record ${showKey(header.keyClass, index.key(entry))} of ${name}: at ${record.position}, where its index points, is ${showKey(header.keyClass, record.key)}; run "pixelreduce fix"`,
      { details: { file: name, offset: record.position } },
    )
  }
}
