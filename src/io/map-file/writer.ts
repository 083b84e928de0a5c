import { KeyError, UnsupportedError } from '../../errors.js'
import type { SequenceFileWriter } from '../sequence-file/sequence-file-writer.js'
import { createSequenceFileWriter, type SequenceFileWriterOptions } from '../sequence-file/writer.js'
import { both, type Waiting } from '../waiting.js'
import { comparatorFor } from '../writables/comparator.js'
import { LongWritable } from '../writables/integers.js'
import { ChecksumFileWriter, valueChecksum } from './checksum-file.js'
import type { MapFileSinks, MapFileSources } from './format.js'
import { MapFileReader } from './reader.js'
import { showKey } from './verifier.js'
import { loadXxh3 } from './xxh3.js'

export interface MapFileWriterOptions extends SequenceFileWriterOptions {
  /** Records from one index entry to the next. @default 1 */
  indexInterval?: number
  /** 16 bytes. @default the data's marker with every bit turned, so that neither stands in the other's file */
  indexSyncMarker?: Uint8Array
}

/**
 * Writes a MapFile: records in ascending order of their keys, the index beside them, and the checksums
 * where there is a sink for them. The index is block-compressed with zlib, as Hadoop writes it: it is read
 * whole, and a fraction of its bytes travels. Disposing without `close` throws all three files away.
 */
export class MapFileWriter implements AsyncDisposable {
  /** Records written. */
  records = 0
  /** The first and the last key written. */
  firstKey: Uint8Array | undefined
  lastKey: Uint8Array | undefined
  private lastIndexed = Number.NEGATIVE_INFINITY
  private lastIndexPosition = -1
  private readonly compare: (a: Uint8Array, b: Uint8Array) => number

  private constructor(
    private readonly sinks: MapFileSinks,
    readonly options: Readonly<MapFileWriterOptions>,
    private readonly data: SequenceFileWriter,
    private readonly index: SequenceFileWriter,
    private readonly checksums: ChecksumFileWriter | undefined,
    private readonly indexInterval: number,
  ) {
    this.compare = comparatorFor(options.keyClass, sinks.data.name)
  }

  /** @throws UnsupportedError or MissingPackageError for a codec, or for keys without an order known here. */
  static async create(sinks: MapFileSinks, options: MapFileWriterOptions): Promise<MapFileWriter> {
    const indexInterval = options.indexInterval ?? 1
    if (!(Number.isSafeInteger(indexInterval) && indexInterval > 0)) {
      throw new UnsupportedError(
        `Cannot write ${sinks.index.name}: the index interval is ${indexInterval}, not 1 or more`,
      )
    }
    const data = await createSequenceFileWriter(sinks.data, options)
    const index = await createSequenceFileWriter(sinks.index, {
      keyClass: options.keyClass,
      valueClass: LongWritable.className,
      compression: 'BLOCK',
      codec: 'default',
      syncMarker: options.indexSyncMarker ?? options.syncMarker.map((byte) => ~byte),
    })
    // With BLOCK several records share a position, so an index entry does not tell which checksum is theirs.
    const hasPositions = options.compression === 'BLOCK' || indexInterval > 1
    if (sinks.checksum) await loadXxh3()
    const checksums = sinks.checksum && new ChecksumFileWriter(sinks.checksum, hasPositions)
    return new MapFileWriter(sinks, options, data, index, checksums, indexInterval)
  }

  /** Where the next record comes in `data`, or its block. */
  get position(): number {
    return this.data.position
  }

  /**
   * @param key serialized; not below the one before it
   * @param value serialized, in parts where that saves putting them together
   * @returns a promise when a sink asks to wait
   * @throws KeyError when the key is below the one before it; the record is not written.
   */
  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting {
    this.requireOrder(key)
    const position = this.data.position
    let waiting = this.data.append(key, value)
    if (this.records >= this.lastIndexed + this.indexInterval && position > this.lastIndexPosition) {
      waiting = both(waiting, this.index.append(key, LongWritable.encode(position)))
      this.lastIndexed = this.records
      this.lastIndexPosition = position
    }
    if (this.checksums) {
      waiting = both(waiting, this.checksums.append(position, valueChecksum(this.options.valueClass, value)))
    }
    this.noteKey(key)
    this.records++
    return waiting
  }

  /**
   * Appends all records of another MapFile, verified, one by one: the file is the same as if they had been
   * appended by whoever wrote them, wherever one MapFile ended and the next began.
   * @throws KeyError when its first key is below the last one written.
   * @throws ChecksumError, TruncatedError or FormatError when it is damaged; this file must be abandoned then.
   */
  async appendFrom(sources: MapFileSources, signal?: AbortSignal): Promise<void> {
    const reader = await MapFileReader.open(sources)
    await using scan = await reader.scan(signal ? { signal } : {})
    while (await scan.fill()) {
      for (let record = scan.next(); record; record = scan.next()) {
        const waiting = this.append(record.key, record.value)
        if (waiting) await waiting
      }
    }
  }

  /** Closes the three files. */
  async close(): Promise<void> {
    await this.data.close()
    await this.checksums?.close()
    await this.index.close()
  }

  /** Throws the three files away. */
  async abort(): Promise<void> {
    await Promise.all([this.data.abort(), this.index.abort(), this.sinks.checksum?.abort()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { data, index, checksum } = this.sinks
    await Promise.all(
      [data, index, ...(checksum ? [checksum] : [])].map((sink) => sink[Symbol.asyncDispose]()),
    )
  }

  private requireOrder(key: Uint8Array): void {
    if (this.lastKey === undefined || this.compare(this.lastKey, key) <= 0) return
    const { keyClass } = this.options
    const shown = showKey(keyClass, key)
    const last = showKey(keyClass, this.lastKey)
    throw new KeyError(
      `Cannot append ${shown} to ${this.sinks.data.name}: the key before it is ${last}, which is higher`,
      {
        details: { file: this.sinks.data.name, key: shown, previousKey: last },
      },
    )
  }

  private noteKey(key: Uint8Array): void {
    this.lastKey = key
    this.firstKey ??= key
  }
}
