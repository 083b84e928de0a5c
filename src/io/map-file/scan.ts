import { type ChecksumError, FormatError } from '../../errors.js'
import type { RawRecord } from '../sequence-file/format.js'
import { SequenceFileReader } from '../sequence-file/index.js'
import type { OpenSequenceFile } from '../sequence-file/open.js'
import type { RecordVerifier } from './verifier.js'

export interface MapFileScanOptions {
  /** Position of the first record, as an index tells it. @default that of the first record */
  start?: number
  /** Position of the first record that does not belong to it. @default the file's length */
  end?: number
  /** Called with each record whose value is not the one that was written; without it the scan throws. */
  onDamaged?: (error: ChecksumError, record: RawRecord) => void
  /** Ends the scan with its reason. */
  signal?: AbortSignal
  /** Keys and values are valid until the next `fill` only. @default false */
  reuse?: boolean
}

const READ_AHEAD_BYTES = 64 * 1024

/** Reads a MapFile's records from one position to another, in order, as fast as a SequenceFileReader. */
export class MapFileScan implements AsyncDisposable {
  private readonly reader: SequenceFileReader
  /** Number of the next record among the checksums; undefined until the first one's position is known. */
  private ordinal: number | undefined
  private ended = false
  private readonly end: number

  constructor(
    file: OpenSequenceFile,
    private readonly verifier: RecordVerifier | undefined,
    private readonly options: MapFileScanOptions = {},
  ) {
    const { source, headerLength } = file
    const start = options.start ?? headerLength
    this.end = options.end ?? source.length
    if (start < headerLength || start > source.length || this.end < start) {
      throw new FormatError(
        `Cannot read ${source.name} from ${start} to ${this.end}: its records are from ${headerLength} to ${source.length}`,
        { details: { file: source.name, offset: start, length: source.length } },
      )
    }
    this.reader = SequenceFileReader.resume(file, start, {
      end: this.end,
      readAheadBytes: READ_AHEAD_BYTES,
      reuse: options.reuse ?? false,
      ...(options.signal ? { signal: options.signal } : {}),
    })
    this.ended = start === this.end
  }

  /** False when there is no further record. */
  async fill(): Promise<boolean> {
    return !this.ended && this.reader.fill()
  }

  /**
   * The next record in memory; undefined when `fill` must get more.
   * @throws ChecksumError for a damaged value; the next call goes on behind it.
   * @throws FormatError for a record that can't be read; `skipDamaged` goes on behind it.
   */
  next(): RawRecord | undefined {
    for (;;) {
      const record = this.reader.next()
      if (record === undefined) return undefined
      if (record.position >= this.end) {
        this.ended = true
        return undefined
      }
      if (!this.verifier) return record
      const ordinal = this.ordinal ?? this.verifier.ordinalOf(record.position)
      this.ordinal = ordinal + 1
      const error = this.verifier.check(record.key, record.value, ordinal, record.position)
      if (!error) return record
      if (!this.options.onDamaged) throw error
      this.options.onDamaged(error, record)
    }
  }

  /**
   * After a FormatError: goes on at the next sync marker.
   * @returns the range of bytes that is left out
   */
  async skipDamaged(): Promise<{ start: number; end: number }> {
    const start = this.reader.position()
    await this.reader.sync(start + 1)
    this.ordinal = undefined
    const end = Math.min(this.reader.position(), this.end)
    this.ended = end === this.end
    return { start, end }
  }

  /** Where the next record begins, or its block. */
  position(): number {
    return this.reader.position()
  }

  async close(): Promise<void> {
    await this.reader.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawRecord> {
    try {
      while (await this.fill()) for (let record = this.next(); record; record = this.next()) yield record
    } finally {
      await this.close()
    }
  }
}
