import { FormatError } from '../../errors.js'
import type { ChecksumFile } from '../../io/map-file/checksum-file.js'
import type { PackedIndex } from '../../io/map-file/index.js'
import {
  type OpenSequenceFile,
  type RawRecord,
  SequenceFileReader,
  StreamDigest,
} from '../../io/sequence-file/index.js'
import { ChecksumCheck } from './checksum-check.js'
import { type BadChunk, BadChunkCheck } from './crc-check.js'
import type { FaultList } from './fault-list.js'
import { IndexCheck } from './index-check.js'
import { keyForMessage, serializationError } from './record-json.js'

export interface WalkOptions {
  /** Order of the keys, where they must be in order. */
  compare: ((a: Uint8Array, b: Uint8Array) => number) | undefined
  index: PackedIndex | undefined
  checksums: ChecksumFile | undefined
  /** By Hadoop's sidecar, ascending. */
  badChunks: readonly BadChunk[]
  signal: AbortSignal | undefined
}

export interface Walk {
  /** Records that can be read. */
  readonly records: number
  readonly streamSha256: string
  /** Serialized. */
  readonly firstKey: Uint8Array | undefined
  readonly lastKey: Uint8Array | undefined
}

/** Reads all records that can be read, and puts every fault that a record shows on the list. */
export async function walkRecords(
  file: OpenSequenceFile,
  options: WalkOptions,
  faults: FaultList,
): Promise<Walk> {
  const { source, header, headerLength } = file
  const { compare, index, signal } = options
  const { keyClass, valueClass } = header
  await using reader = SequenceFileReader.resume(file, headerLength, signal ? { signal } : {})
  const digest = new StreamDigest()
  const indexCheck = index && new IndexCheck(index, source.name, keyClass)
  const checksumCheck =
    options.checksums && new ChecksumCheck(options.checksums, index, source.name, keyClass, valueClass)
  const chunkCheck = new BadChunkCheck(options.badChunks)
  let firstKey: Uint8Array | undefined
  let last: RawRecord | undefined

  /** Bytes of a record are known when the next one is, and with BLOCK when the next block is. */
  const endRecord = (end: number) => {
    const record = last
    if (record && end > record.position) {
      chunkCheck.range(record.position, end, () => keyForMessage(keyClass, record.key), faults)
    }
  }
  const take = (record: RawRecord) => {
    endRecord(record.position)
    digest.update(record)
    indexCheck?.record(record)
    checksumCheck?.record(record, faults)
    if (compare && last && compare(last.key, record.key) > 0) {
      const key = keyForMessage(keyClass, record.key)
      const before = JSON.stringify(keyForMessage(keyClass, last.key))
      faults.add(
        'order',
        `Key ${JSON.stringify(key)} at ${record.position} of ${source.name} is below ${before}, the one before it`,
        { key, offset: record.position },
      )
    }
    // No checksum covers the length that stands before a payload.
    const wrongKey = serializationError(keyClass, record.key)
    const wrongValue = serializationError(valueClass, record.value)
    if (wrongKey ?? wrongValue) {
      const key = keyForMessage(keyClass, record.key)
      const what = wrongKey === undefined ? 'value' : 'key'
      faults.add(
        what === 'key' ? 'format' : 'value',
        `The ${what} of ${JSON.stringify(key)} at ${record.position} of ${source.name} is damaged: ${wrongKey ?? wrongValue}`,
        { key, offset: record.position },
      )
    }
    firstKey ??= record.key
    last = record
  }

  for (;;) {
    try {
      if (!(await reader.fill())) break
      for (let record = reader.next(); record; record = reader.next()) take(record)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      const start = reader.position()
      endRecord(start)
      await reader.sync(start + 1)
      const end = reader.position()
      faults.addError(error)
      indexCheck?.skipped(start, end, faults)
      checksumCheck?.skipped()
      last = last && { ...last, position: end }
    }
  }
  endRecord(source.length)
  chunkCheck.finish(faults)
  indexCheck?.finish(source.length, digest.records, faults)
  checksumCheck?.finish(faults)
  return { records: digest.records, streamSha256: digest.digest(), firstKey, lastKey: last?.key }
}
