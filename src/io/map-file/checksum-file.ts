import { FormatError, TruncatedError } from '../../errors.js'
import type { ByteSink } from '../byte-sink.js'
import type { ByteSource } from '../byte-source.js'
import { asBuffer, equalBytes, joinBytes } from '../bytes.js'
import { OutputStage } from '../sequence-file/output-stage.js'
import type { Waiting } from '../waiting.js'
import { BytesWritable } from '../writables/bytes-writable.js'
import { loadXxh3, xxh3 } from './xxh3.js'

/*
 * `_checksum`, beside a MapFile's data and index, all numbers big-endian:
 *
 *   bytes   "pxsums", zero, version 1
 *   int32   flags; 1: each entry begins with a position
 *   int32   zero
 *   one entry for each record of `data`, in its order:
 *     [ uint64   position: where the record is in `data`, with compression BLOCK where its block is ]
 *     uint64     xxh3-64 of the value: of the payload of a BytesWritable, so that tools can compute it
 *                from the picture, and of the serialized value of every other class
 *
 * Positions are left out where each record has an index entry, because there the index tells which entry
 * of this file is the record's.
 */
const MAGIC = Buffer.from('pxsums\0\x01', 'latin1')
const FLAGS_BYTES = 4
const HEADER_BYTES = MAGIC.length + FLAGS_BYTES + 4
const HAS_POSITIONS = 1
const POSITION_BYTES = 8
const HASH_BYTES = 8
const BYTES_WRITABLE_PREFIX_BYTES = 4

/** The checksum of a value of the class. */
export function valueChecksum(valueClass: string, value: Uint8Array | readonly Uint8Array[]): bigint {
  const isPayload = valueClass === BytesWritable.className
  if (!(value instanceof Uint8Array)) {
    // The usual two parts, prefix and payload, are not worth joining.
    const [first, second] = value
    if (isPayload && value.length === 2 && first!.length === BYTES_WRITABLE_PREFIX_BYTES) return xxh3(second!)
    return valueChecksum(valueClass, joinBytes(value))
  }
  return xxh3(isPayload ? value.subarray(BYTES_WRITABLE_PREFIX_BYTES) : value)
}

export function checksumToHex(checksum: bigint): string {
  return checksum.toString(16).padStart(HASH_BYTES * 2, '0')
}

export class ChecksumFileWriter {
  private readonly stage: OutputStage

  constructor(
    private readonly sink: ByteSink,
    readonly hasPositions: boolean,
  ) {
    this.stage = new OutputStage(sink)
    const header = Buffer.alloc(HEADER_BYTES)
    header.set(MAGIC)
    header.writeInt32BE(hasPositions ? HAS_POSITIONS : 0, MAGIC.length)
    this.stage.write(header)
  }

  append(position: number, checksum: bigint): Waiting {
    const entry = Buffer.allocUnsafe((this.hasPositions ? POSITION_BYTES : 0) + HASH_BYTES)
    if (this.hasPositions) entry.writeBigUInt64BE(BigInt(position))
    entry.writeBigUInt64BE(checksum, entry.length - HASH_BYTES)
    return this.stage.write(entry)
  }

  async close(): Promise<void> {
    await this.stage.flush()
    await this.sink.close()
  }
}

/** The checksums of a MapFile, in memory: 8 or 16 bytes for each record. */
export class ChecksumFile {
  private constructor(
    readonly name: string,
    /** Whether a record is found by its position; else by the number of its index entry. */
    readonly hasPositions: boolean,
    private readonly entries: Buffer,
  ) {}

  /** @throws FormatError when it is no such file; TruncatedError when it is cut short. */
  static async load(source: ByteSource): Promise<ChecksumFile> {
    await loadXxh3()
    const bytes = asBuffer(await source.read(0, source.length))
    const details = { file: source.name, length: source.length }
    if (bytes.length < HEADER_BYTES) {
      throw new TruncatedError(
        `Cannot read checksums from ${source.name}: it has ${bytes.length} bytes, fewer than its header`,
        { details },
      )
    }
    if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) {
      throw new FormatError(
        `Cannot read checksums from ${source.name}: it does not begin as a checksum file of version 1 does`,
        { details },
      )
    }
    const hasPositions = (bytes.readInt32BE(MAGIC.length) & HAS_POSITIONS) !== 0
    const file = new ChecksumFile(source.name, hasPositions, bytes.subarray(HEADER_BYTES))
    if (!Number.isInteger(file.count)) {
      throw new TruncatedError(`Cannot read checksums from ${source.name}: it ends within an entry`, {
        details,
      })
    }
    return file
  }

  /** Number of records. */
  get count(): number {
    return this.entries.length / this.entryBytes
  }

  checksum(record: number): bigint {
    return this.entries.readBigUInt64BE((record + 1) * this.entryBytes - HASH_BYTES)
  }

  position(record: number): number {
    return Number(this.entries.readBigUInt64BE(record * this.entryBytes))
  }

  /** The first record at this position or after it. Only with positions. */
  recordAt(position: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.position(middle) < position) low = middle + 1
      else high = middle
    }
    return low
  }

  private get entryBytes(): number {
    return (this.hasPositions ? POSITION_BYTES : 0) + HASH_BYTES
  }
}
