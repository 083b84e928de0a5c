import { FormatError } from '../../errors.js'
import { Reuse } from '../byte-source.js'
import type { RawRecord } from '../sequence-file/format.js'
import { type OpenSequenceFile, openSequenceFile } from '../sequence-file/open.js'
import { comparatorFor } from '../writables/comparator.js'
import { ChecksumFile } from './checksum-file.js'
import type { MapFileSources } from './format.js'
import { PackedIndex } from './packed-index.js'
import type { CursorRecord } from './record-cursor.js'
import { MapFileScan, type MapFileScanOptions } from './scan.js'
import { MapFileSearch } from './search.js'
import { RecordVerifier } from './verifier.js'

export interface MapFileReaderOptions {
  /** Whether values are compared with the checksums, where there are any. @default true */
  verify?: boolean
  /**
   * Whether what `get` and `getClosest` return is valid until their next call only, as the value that is
   * handed to Hadoop's `get`. Then one call must have ended before the next one. @default false
   */
  reuse?: boolean
}

/** Finds and reads records of a MapFile. Keys go in and come out as their Writable serialized them. */
export class MapFileReader implements AsyncDisposable {
  private readonly compare: (a: Uint8Array, b: Uint8Array) => number
  private indexLoading: Promise<PackedIndex> | undefined
  private searchLoading: Promise<MapFileSearch> | undefined
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

  /** The recorded checksum of the value at this position of the index, not with BLOCK; undefined without any. */
  async checksumAt(position: number): Promise<bigint | undefined> {
    return (await this.verifier())?.expectedAt(position)
  }

  /**
   * The record with this key, of several the first; undefined when there is none.
   * @throws ChecksumError when its value is not the one that was written.
   */
  async get(key: Uint8Array): Promise<RawRecord | undefined> {
    const found = await (await this.search()).find(key, false, true)
    return found && this.compare(found.key, key) === 0 ? this.load(found) : undefined
  }

  /** The record with this key, of several the first; else the next one after it, or with `before` before it. */
  async getClosest(key: Uint8Array, options: { before?: boolean } = {}): Promise<RawRecord | undefined> {
    const found = await (await this.search()).find(key, options.before ?? false, false)
    return found && this.load(found)
  }

  /** The key in the middle of the index. */
  async midKey(): Promise<Uint8Array | undefined> {
    const index = await this.index()
    return index.count === 0 ? undefined : index.key((index.count - 1) >>> 1)
  }

  /** The last record's key. */
  async finalKey(): Promise<Uint8Array | undefined> {
    return (await this.search()).finalKey()
  }

  /** Moves `next` to the first record whose key is not below this one; true when it is this key. */
  async seek(key: Uint8Array): Promise<boolean> {
    await this.reset()
    this.scanning = await this.scan({ start: (await this.search()).startFor(key) })
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
    const scan = await this.scan(from ? { ...rest, start: (await this.search()).startFor(from) } : rest)
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

  private search(): Promise<MapFileSearch> {
    this.searchLoading ??= this.openSearch()
    return this.searchLoading
  }

  private async openSearch(): Promise<MapFileSearch> {
    const verifier = await this.verifier()
    return new MapFileSearch(
      this.file,
      await this.index(),
      this.compare,
      verifier?.everyRecordIndexed ?? false,
      this.options.reuse ? { window: new Reuse(), value: new Reuse() } : undefined,
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
