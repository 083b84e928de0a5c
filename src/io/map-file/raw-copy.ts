import { equalBytes } from '../bytes.js'
import type { Compression } from '../sequence-file/format.js'
import { openSequenceFile } from '../sequence-file/open.js'
import { RecordWalker } from '../sequence-file/raw-records.js'
import type { Waiting } from '../waiting.js'
import { ChecksumFile } from './checksum-file.js'
import type { MapFileSources } from './format.js'
import { MapFileReader } from './reader.js'
import { RecordCursor } from './record-cursor.js'

/** The writer that is copied to, as far as the copy uses what everybody may. */
export interface RawWriter {
  readonly options: {
    keyClass: string
    valueClass: string
    compression?: Compression
    syncMarker: Uint8Array
  }
  readonly position: number
  append(key: Uint8Array, value: Uint8Array): Waiting
}

/** What the copy does to that writer besides. */
export interface RawTarget {
  readonly codec: string | undefined
  /** Whether its checksums carry positions; undefined when it has no checksums. */
  readonly hasPositions: boolean | undefined
  /** Checks the first key before anything is written. */
  begin(firstKey: Uint8Array): void
  data(bytes: Uint8Array, lastSync?: number): Waiting
  index(key: Uint8Array, position: number): Waiting
  checksum(position: number, checksum: bigint): Waiting
  end(lastKey: Uint8Array, records: number): void
  readonly signal: AbortSignal | undefined
}

/** Copies a MapFile's records behind those of another: see MapFileWriter.appendRawFrom. */
export async function copyRaw(sources: MapFileSources, writer: RawWriter, target: RawTarget): Promise<void> {
  const file = await openSequenceFile(sources.data)
  const { header, headerLength } = file
  const checksums =
    target.hasPositions !== undefined && sources.checksum
      ? await ChecksumFile.load(sources.checksum)
      : undefined
  const { keyClass, valueClass, compression = 'NONE', syncMarker } = writer.options
  const reader = await MapFileReader.open(sources)
  if (
    compression === 'BLOCK' ||
    header.compression !== compression ||
    header.codec !== target.codec ||
    header.keyClass !== keyClass ||
    header.valueClass !== valueClass ||
    !equalBytes(header.syncMarker, syncMarker) ||
    checksums?.hasPositions !== target.hasPositions
  ) {
    for await (const { key, value } of reader.entries()) await writer.append(key, value)
    return
  }

  const first = await new RecordCursor(file, headerLength).next()
  if (!first) return
  target.begin(first.key)

  const shift = writer.position - headerLength
  const index = await reader.index()
  for (let entry = 0; entry < index.count; entry++) {
    await target.index(index.key(entry), index.position(entry) + shift)
  }
  if (checksums) {
    for (let record = 0; record < checksums.count; record++) {
      const position = checksums.hasPositions ? checksums.position(record) + shift : 0
      await target.checksum(position, checksums.checksum(record))
    }
  }

  const walker = new RecordWalker(sources.data, header.syncMarker, headerLength)
  const streamOptions = target.signal ? { signal: target.signal } : {}
  for await (const piece of sources.data.stream(headerLength, sources.data.length, streamOptions)) {
    const start = writer.position - shift
    walker.walk(piece)
    const lastSync = walker.lastSync
    await target.data(piece, lastSync !== undefined && lastSync > start ? lastSync - start : undefined)
  }
  walker.finish()
  const last = await new RecordCursor(file, walker.lastRecord!).next()
  target.end(last!.key, walker.records)
}
