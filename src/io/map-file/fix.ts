import { FormatError } from '../../errors.js'
import type { ByteSink } from '../byte-sink.js'
import type { ByteSource } from '../byte-source.js'
import { type RawRecord, SequenceFileReader } from '../sequence-file/index.js'
import type { SequenceFileWriter } from '../sequence-file/sequence-file-writer.js'
import { createSequenceFileWriter } from '../sequence-file/writer.js'
import { comparatorFor } from '../writables/comparator.js'
import { LongWritable } from '../writables/integers.js'
import { ChecksumFile, ChecksumFileWriter, valueChecksum } from './checksum-file.js'

export interface FixOptions {
  /** Where the new index goes; without it nothing is written and only the data is read through. */
  index?: ByteSink
  /** Where new checksums go, with positions. */
  checksum?: ByteSink
  /** Records from one index entry to the next. @default 1 */
  indexInterval?: number
  /** 16 bytes, for the index. @default the data's marker with every bit turned */
  indexSyncMarker?: Uint8Array
  /** Called with each range of `data` that can't be read, to keep its bytes. */
  onSkipped?: (range: SkippedRange) => Promise<void> | void
  signal?: AbortSignal
}

export interface SkippedRange {
  /** First byte, and first byte after it. */
  readonly start: number
  readonly end: number
  readonly error: FormatError
}

export interface FixReport {
  /** Records that can be read. */
  records: number
  /** Of them, those whose key is below the one before: a lookup does not find them. */
  outOfOrder: number
  indexEntries: number
  skippedRanges: number
  skippedBytes: number
  /** Values that differ from the old checksums; undefined without old checksums. */
  damagedValues: number | undefined
}

/**
 * Rebuilds a MapFile's index from its data, which is left as it is. What can't be read is passed over up to
 * the next sync marker. Old checksums are carried over to the records that they were made for, so that a
 * value that was damaged stays known as damaged; where there are none, they are made of what is there.
 * @throws UnsupportedError when the keys' class has no order known here.
 */
export async function fixMapFile(
  sources: { data: ByteSource; checksum?: ByteSource },
  options: FixOptions = {},
): Promise<FixReport> {
  const { data } = sources
  const old = sources.checksum && (await ChecksumFile.load(sources.checksum))
  await using reader = await SequenceFileReader.open(data, options.signal ? { signal: options.signal } : {})
  const { keyClass, valueClass, syncMarker } = reader.header
  const compare = comparatorFor(keyClass, data.name)
  const index = await openIndex(options, keyClass, syncMarker)
  const checksums = options.checksum && new ChecksumFileWriter(options.checksum, true)
  const carried = old && new CarriedChecksums(old)
  const interval = options.indexInterval ?? 1

  const report: FixReport = {
    records: 0,
    outOfOrder: 0,
    indexEntries: 0,
    skippedRanges: 0,
    skippedBytes: 0,
    damagedValues: old ? 0 : undefined,
  }
  let lastKey: Uint8Array | undefined
  let lastPosition = -1
  let sinceEntry = interval

  const take = async (record: RawRecord) => {
    report.records++
    const found = valueChecksum(valueClass, record.value)
    const expected = carried?.expected(record.position, found) ?? found
    if (expected !== found) report.damagedValues!++
    await checksums?.append(record.position, expected)
    sinceEntry++
    if (lastKey && compare(lastKey, record.key) > 0) {
      report.outOfOrder++
      return
    }
    lastKey = record.key
    if (sinceEntry <= interval || record.position <= lastPosition) return
    await index?.append(record.key, LongWritable.encode(record.position))
    report.indexEntries++
    sinceEntry = 1
    lastPosition = record.position
  }

  for (;;) {
    try {
      if (!(await reader.fill())) break
      for (let record = reader.next(); record; record = reader.next()) await take(record)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      const start = reader.position()
      await reader.sync(start + 1)
      const range = { start, end: reader.position(), error }
      report.skippedRanges++
      if (carried) carried.someSkipped = true
      report.skippedBytes += range.end - range.start
      await options.onSkipped?.(range)
    }
  }
  await index?.close()
  await checksums?.close()
  return report
}

async function openIndex(
  options: FixOptions,
  keyClass: string,
  syncMarker: Uint8Array,
): Promise<SequenceFileWriter | undefined> {
  if (!options.index) return undefined
  return createSequenceFileWriter(options.index, {
    keyClass,
    valueClass: LongWritable.className,
    compression: 'BLOCK',
    syncMarker: options.indexSyncMarker ?? syncMarker.map((byte) => ~byte),
  })
}

/** Tells for each record that is met which of the old checksums is its own. */
class CarriedChecksums {
  /** Whether records were passed over, so that the next record need not have the next checksum. */
  someSkipped = false
  private next = 0
  private lastPosition = -1

  constructor(private readonly old: ChecksumFile) {}

  /** @param found checksum of the value as it is now */
  expected(position: number, found: bigint): bigint | undefined {
    if (this.old.hasPositions) {
      if (position !== this.lastPosition) this.next = this.old.recordAt(position)
      this.lastPosition = position
      const own = this.next < this.old.count && this.old.position(this.next) === position
      return own ? this.old.checksum(this.next++) : undefined
    }
    // Without positions the records that were passed over are found by the next checksum that agrees.
    for (let candidate = this.next; this.someSkipped && candidate < this.old.count; candidate++) {
      if (this.old.checksum(candidate) !== found) continue
      this.next = candidate + 1
      return found
    }
    return this.next < this.old.count ? this.old.checksum(this.next++) : undefined
  }
}
