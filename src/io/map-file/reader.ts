import { FormatError, TruncatedError, UnsupportedError } from '../../errors.js'
import { equalBytes } from '../bytes.js'
import { type RawRecord, RECORD_HEAD_BYTES, SYNC_BYTES } from '../sequence-file/format.js'
import { type OpenSequenceFile, openSequenceFile } from '../sequence-file/open.js'
import { writableFor } from '../writables/index.js'
import { ChecksumFile } from './checksum-file.js'
import type { MapFileSources } from './format.js'
import { PackedIndex } from './packed-index.js'
import { type CursorRecord, RecordCursor } from './record-cursor.js'
import { MapFileScan, type MapFileScanOptions } from './scan.js'
import { RecordVerifier, showKey } from './verifier.js'

export interface MapFileReaderOptions {
  /** Whether values are compared with the checksums, where there are any. @default true */
  verify?: boolean
}

/** Index ranges up to this are fetched whole, because one read costs less than several. */
const WHOLE_RANGE_BYTES = 64 * 1024
/** The same where the range is known to be a single record. */
const WHOLE_RECORD_BYTES = 4 * 1024 * 1024

/** Finds and reads records of a MapFile. Keys go in and come out as their Writable serialized them. */
export class MapFileReader implements AsyncDisposable {
  private readonly compare: (a: Uint8Array, b: Uint8Array) => number
  private indexLoading: Promise<PackedIndex> | undefined
  private verifierLoading: Promise<RecordVerifier | undefined> | undefined
  private scanning: MapFileScan | undefined
  /** A record that `seek` has read already. */
  private sought: RawRecord | undefined

  private constructor(
    private readonly sources: MapFileSources,
    private readonly file: OpenSequenceFile,
    private readonly options: MapFileReaderOptions,
  ) {
    this.compare = comparatorFor(file.header.keyClass, sources.data.name)
  }

  /**
   * Reads the header of `data`; index and checksums are read when they are first needed. The sources stay
   * the caller's to close.
   * @throws UnsupportedError when the keys' class has no order that is known here.
   */
  static async open(sources: MapFileSources, options: MapFileReaderOptions = {}): Promise<MapFileReader> {
    return new MapFileReader(sources, await openSequenceFile(sources.data), options)
  }

  get header() {
    return this.file.header
  }

  /** Where the first record of `data` is. */
  get headerLength(): number {
    return this.file.headerLength
  }

  /** The index, read on first use. */
  index(): Promise<PackedIndex> {
    this.indexLoading ??= this.loadIndex()
    return this.indexLoading
  }

  /** Number of index entries. */
  async indexEntries(): Promise<number> {
    return (await this.index()).count
  }

  /** Number of records as the checksums tell it; undefined without them. */
  async recordCount(): Promise<number | undefined> {
    return (await this.verifier())?.records
  }

  /**
   * The record with this key, of several the first; undefined when there is none.
   * @throws ChecksumError when its value is not the one that was written.
   */
  async get(key: Uint8Array): Promise<RawRecord | undefined> {
    const found = await this.find(key, false, true)
    return found && this.compare(found.key, key) === 0 ? this.load(found) : undefined
  }

  /** The record with this key, of several the first; else the next one after it, or with `before` before it. */
  async getClosest(key: Uint8Array, options: { before?: boolean } = {}): Promise<RawRecord | undefined> {
    const found = await this.find(key, options.before ?? false, false)
    return found && this.load(found)
  }

  /** The key in the middle of the index. */
  async midKey(): Promise<Uint8Array | undefined> {
    const index = await this.index()
    return index.count === 0 ? undefined : index.key((index.count - 1) >>> 1)
  }

  /** The last record's key. */
  async finalKey(): Promise<Uint8Array | undefined> {
    const index = await this.index()
    const cursor = await this.cursorAt(index, index.count - 1)
    let last: Uint8Array | undefined
    for (let record = await cursor.next(); record; record = await cursor.next()) last = record.key
    return last
  }

  /** Moves `next` to the first record whose key is not below this one; true when it is this key. */
  async seek(key: Uint8Array): Promise<boolean> {
    await this.reset()
    const scan = this.scan({ start: await this.startFor(key) })
    this.scanning = await scan
    for (let record = await this.next(); record; record = await this.next()) {
      const order = this.compare(record.key, key)
      if (order < 0) continue
      this.sought = record
      return order === 0
    }
    return false
  }

  /** Moves `next` to the first record. */
  async reset(): Promise<void> {
    this.sought = undefined
    await this.scanning?.close()
    this.scanning = undefined
  }

  /** The next record, from the first one or from where `seek` went. */
  async next(): Promise<RawRecord | undefined> {
    if (this.sought) {
      const record = this.sought
      this.sought = undefined
      return record
    }
    this.scanning ??= await this.scan()
    for (;;) {
      const record = this.scanning.next()
      if (record) return record
      if (!(await this.scanning.fill())) return undefined
    }
  }

  /** All records in order, or those whose key is not below `from`. */
  async *entries(
    options: { from?: Uint8Array } & Omit<MapFileScanOptions, 'start'> = {},
  ): AsyncGenerator<RawRecord> {
    const { from, ...rest } = options
    const scan = await this.scan(from ? { ...rest, start: await this.startFor(from) } : rest)
    let skipping = from !== undefined
    for await (const record of scan) {
      if (skipping && this.compare(record.key, from!) < 0) continue
      skipping = false
      yield record
    }
  }

  /** A scan between two positions of the index: what a split is. Its values are verified. */
  async scan(options: MapFileScanOptions = {}): Promise<MapFileScan> {
    return new MapFileScan(this.file, await this.verifier(), options)
  }

  /** Frees what `next` holds. The sources stay open. */
  async close(): Promise<void> {
    await this.reset()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * The first record with this key, else the one after it or before it.
   * @param exactOnly nothing else than the key itself is of use
   */
  private async find(
    key: Uint8Array,
    before: boolean,
    exactOnly: boolean,
  ): Promise<CursorRecord | undefined> {
    const index = await this.index()
    const verifier = await this.verifier()
    let start = index.firstNotBelow(key)
    const indexed = start < index.count && this.compare(index.key(start), key) === 0
    let single = verifier?.everyRecordIndexed ?? false
    if (!indexed) {
      if (exactOnly && single) return undefined
      start--
    } else if (this.file.header.compression === 'BLOCK') {
      // The entry's key may lie anywhere in its block, and its equals in the blocks before.
      start--
    } else if (!single && start > 0) {
      single = await this.nothingBetween(index, start - 1)
      if (!single) start--
    }
    const cursor = await this.cursorAt(index, start, single)
    let previous: CursorRecord | undefined
    for (let record = await cursor.next(); record; record = await cursor.next()) {
      if (previous === undefined) this.requireIndexed(index, start, record)
      const order = this.compare(record.key, key)
      if (order === 0 || (order > 0 && !before)) return record
      if (order > 0) break
      previous = record
    }
    return before ? previous : undefined
  }

  private async load(record: CursorRecord): Promise<RawRecord> {
    const { key, position, inBlock } = record
    const value = await record.value()
    const verifier = await this.verifier()
    if (verifier) {
      const error = verifier.check(key, value, verifier.ordinalOf(position) + inBlock, position)
      if (error) throw error
    }
    return { key, value, position }
  }

  /** Where a scan begins that is to meet every record with this key. */
  private async startFor(key: Uint8Array): Promise<number> {
    const index = await this.index()
    const entry = index.firstNotBelow(key) - 1
    return entry < 0 ? this.headerLength : this.positionOf(index, entry)
  }

  /** A cursor at an index entry, or with -1 at the first record. */
  private async cursorAt(index: PackedIndex, entry: number, single = false): Promise<RecordCursor> {
    const position = entry < 0 ? this.headerLength : this.positionOf(index, entry)
    const next = entry + 1 < index.count ? index.position(entry + 1) : this.sources.data.length
    const whole = next - position <= (single ? WHOLE_RECORD_BYTES : WHOLE_RANGE_BYTES) && next > position
    return new RecordCursor(this.file, position, whole ? next - position : undefined)
  }

  /** Whether the record of an index entry ends where that of the next one begins. */
  private async nothingBetween(index: PackedIndex, entry: number): Promise<boolean> {
    const cursor = new RecordCursor(this.file, this.positionOf(index, entry), SYNC_BYTES + RECORD_HEAD_BYTES)
    return (await cursor.skip()) === index.position(entry + 1)
  }

  private positionOf(index: PackedIndex, entry: number): number {
    const position = index.position(entry)
    const { name, length } = this.sources.data
    if (position >= this.headerLength && position < length) return position
    const Class = position >= length ? TruncatedError : FormatError
    throw new Class(
      `Cannot read record ${showKey(this.header.keyClass, index.key(entry))} of ${name}: its index points to ${position}, and the file has ${length} bytes; run "pixelreduce fix"`,
      { details: { file: name, offset: position, length } },
    )
  }

  /** Catches an index that is not this file's: with NONE and RECORD an entry's key stands where it points. */
  private requireIndexed(index: PackedIndex, entry: number, record: CursorRecord): void {
    if (entry < 0 || this.header.compression === 'BLOCK') return
    if (equalBytes(record.key, index.key(entry))) return
    const { name } = this.sources.data
    throw new FormatError(
      `Cannot read record ${showKey(this.header.keyClass, index.key(entry))} of ${name}: at ${record.position}, where its index points, is ${showKey(this.header.keyClass, record.key)}; run "pixelreduce fix"`,
      { details: { file: name, offset: record.position } },
    )
  }

  private async loadIndex(): Promise<PackedIndex> {
    const { index, data } = this.sources
    if (!index) {
      throw new FormatError(
        `Cannot look up records of ${data.name}: it has no index; run "pixelreduce fix"`,
        {
          details: { file: data.name },
        },
      )
    }
    return PackedIndex.load(index, this.header.keyClass, this.compare)
  }

  private verifier(): Promise<RecordVerifier | undefined> {
    this.verifierLoading ??= this.loadVerifier()
    return this.verifierLoading
  }

  private async loadVerifier(): Promise<RecordVerifier | undefined> {
    const { checksum, data, index } = this.sources
    if (!checksum || this.options.verify === false) return undefined
    const checksums = await ChecksumFile.load(checksum)
    const { keyClass, valueClass } = this.header
    const needed = !checksums.hasPositions && index ? await this.index() : undefined
    return new RecordVerifier(data.name, keyClass, valueClass, checksums, needed, this.headerLength)
  }
}

/** @throws UnsupportedError for a class whose order is not known. */
export function comparatorFor(keyClass: string, file: string): (a: Uint8Array, b: Uint8Array) => number {
  const compare = writableFor(keyClass).compare
  if (compare) return compare
  throw new UnsupportedError(`Cannot use ${file} as a MapFile: the order of ${keyClass} keys is not known`, {
    details: { file, keyClass },
  })
}
