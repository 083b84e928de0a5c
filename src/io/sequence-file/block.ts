import { FormatError, TruncatedError } from '../../errors.js'
import { readInt32 } from '../bytes.js'
import type { Codec } from '../codecs/codec.js'
import { MAX_BUFFER_BYTES } from '../codecs/codec.js'
import { MAX_VINT_BYTES, readVInt, readVLong, vintSizeFromFirst } from '../vint.js'
import { ESCAPE_BYTES, type RawRecord, SYNC_BYTES, SYNC_ESCAPE } from './format.js'

/*
 * A block of a SequenceFile with compression BLOCK:
 *
 *   int32   -1
 *   bytes   sync marker, 16
 *   vint    number of records
 *   four buffers, each a vint length and that many compressed bytes:
 *     the keys' lengths, vints
 *     the keys
 *     the values' lengths, vints
 *     the values
 */
const BUFFERS = 4

/** Where a block's parts lie within some bytes. */
export interface BlockParts {
  readonly records: number
  /** Start and end of each of the four buffers. */
  readonly ranges: readonly (readonly [number, number])[]
  /** Offset after the block. */
  readonly end: number
}

/**
 * Finds the parts of the block that begins at `at`, or says how many bytes from `at` it takes to tell more.
 * @param file for messages
 * @param position where `at` is in the file
 * @throws FormatError when no block of this file begins here.
 */
export function locateBlock(
  bytes: Uint8Array,
  at: number,
  syncMarker: Uint8Array,
  file: string,
  position: number,
): BlockParts | number {
  const available = bytes.length - at
  if (available < SYNC_BYTES + 1) return SYNC_BYTES + 1
  requireSync(bytes, at, syncMarker, file, position)
  let end = at + SYNC_BYTES
  const ranges: [number, number][] = []
  let records = 0
  for (let part = 0; part <= BUFFERS; part++) {
    if (end >= bytes.length) return end + 1 - at
    const size = vintSizeFromFirst(bytes[end]!)
    if (end + size > bytes.length) return end + size - at
    const number = Number(readVLong(bytes, end))
    if (number < 0 || number > MAX_BUFFER_BYTES || (part === 0 && number === 0)) {
      throw new FormatError(
        `Cannot read the block at ${position} of ${file}: it states ${number} ${part === 0 ? 'records' : 'bytes'}`,
        { details: { file, offset: position } },
      )
    }
    end += size
    if (part === 0) records = number
    else {
      ranges.push([end, end + number])
      end += number
    }
  }
  return end > bytes.length ? end - at : { records, ranges, end }
}

/** @throws FormatError unless the escape and this file's sync marker stand at `at`. */
export function requireSync(
  bytes: Uint8Array,
  at: number,
  syncMarker: Uint8Array,
  file: string,
  position: number,
): void {
  let same = readInt32(bytes, at) === SYNC_ESCAPE
  for (let i = 0; same && i < syncMarker.length; i++) same = bytes[at + ESCAPE_BYTES + i] === syncMarker[i]
  if (same) return
  throw new FormatError(`Cannot read on at ${position} of ${file}: no sync marker of this file is there`, {
    details: { file, offset: position },
  })
}

/** The records of one block. Keys are decompressed at once, values when the first is asked for. */
export class Block {
  readonly records: number
  private readonly keys: Uint8Array
  private readonly keyEnds: Uint32Array
  private values: Uint8Array | undefined
  private valueEnds: Uint32Array | undefined

  /**
   * @param bytes hold the block; kept until the values are decompressed
   * @param position of the block in the file
   * @throws FormatError when what it holds is not what it states.
   */
  constructor(
    private bytes: Uint8Array,
    private readonly parts: BlockParts,
    private readonly codec: Codec,
    private readonly file: string,
    readonly position: number,
  ) {
    this.records = parts.records
    const [keys, ends] = this.column(0)
    this.keys = keys
    this.keyEnds = ends
  }

  key(record: number): Uint8Array {
    return this.keys.subarray(record === 0 ? 0 : this.keyEnds[record - 1]!, this.keyEnds[record]!)
  }

  /** @throws FormatError when the values are damaged. */
  value(record: number): Uint8Array {
    this.loadValues()
    const ends = this.valueEnds!
    return this.values!.subarray(record === 0 ? 0 : ends[record - 1]!, ends[record]!)
  }

  record(record: number): RawRecord {
    return { key: this.key(record), value: this.value(record), position: this.position }
  }

  loadValues(): void {
    if (this.values) return
    const [values, ends] = this.column(2)
    this.values = values
    this.valueEnds = ends
    this.bytes = values
  }

  /** Decompresses a buffer of lengths and the buffer of bytes that they cut up. */
  private column(lengthsBuffer: number): [Uint8Array, Uint32Array] {
    try {
      const lengths = this.decompress(
        lengthsBuffer,
        Math.min(this.records * MAX_VINT_BYTES, MAX_BUFFER_BYTES),
      )
      if (lengths.length < this.records) {
        throw new FormatError(`it states ${this.records} records and has ${lengths.length} bytes of lengths`)
      }
      const ends = new Uint32Array(this.records)
      let total = 0
      let at = 0
      for (let record = 0; record < this.records; record++) {
        const length = readVInt(lengths, at)
        at += vintSizeFromFirst(lengths[at]!)
        total += length
        if (length < 0 || total > MAX_BUFFER_BYTES) throw new FormatError(`a length is ${length}`)
        ends[record] = total
      }
      const bytes = this.decompress(lengthsBuffer + 1, total)
      if (bytes.length !== total) {
        throw new FormatError(`its lengths add up to ${total} bytes and it holds ${bytes.length}`)
      }
      return [bytes, ends]
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause
      throw new FormatError(`Cannot read the block at ${this.position} of ${this.file}: ${cause.message}`, {
        cause,
        details: { file: this.file, offset: this.position },
      })
    }
  }

  private decompress(buffer: number, limit: number): Uint8Array {
    const [start, end] = this.parts.ranges[buffer]!
    return this.codec.decompress(this.bytes.subarray(start, end), limit)
  }
}

/** The error for a record or block that goes beyond the end of the file. */
export function beyondEnd(file: string, position: number, needed: number, length: number): TruncatedError {
  return new TruncatedError(
    `Cannot read the record at ${position} of ${file}: it takes ${needed} bytes or more and the file ends at ${length}`,
    { details: { file, offset: position, length } },
  )
}
