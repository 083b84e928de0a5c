import { crc32 } from 'node:zlib'
import { ChecksumError, FormatError, TruncatedError } from '../errors.js'
import type { ByteSink } from './byte-sink.js'
import { type ByteSource, type Reuse, requireRange, type StreamOptions } from './byte-source.js'
import { asBuffer, equalBytes } from './bytes.js'
import { OutputStage } from './sequence-file/output-stage.js'
import { both, type Waiting } from './waiting.js'

/*
 * The sidecar `.<name>.crc` that Hadoop keeps beside a file on a local file system, big-endian:
 *
 *   bytes   "crc", zero
 *   int32   bytes of the file that a checksum covers
 *   int32   CRC-32 of the first so many bytes, of the next, and so on; the last one may cover fewer
 */
const MAGIC = Buffer.from('crc\0', 'latin1')
const HEADER_BYTES = MAGIC.length + 4
const CRC_BYTES = 4
const DEFAULT_BYTES_PER_CRC = 512

/** Sidecars up to here, of files up to 1 GiB, are held in memory once one of their checksums is needed. */
const MAX_HELD_BYTES = 8 * 1024 * 1024 + HEADER_BYTES

/** Up to here it pays to compare several chunks at once. */
const MAX_JOINED_BYTES = 64 * 1024

/** Name of the sidecar of a file of this name. */
export function crcFileName(name: string): string {
  return `.${name}.crc`
}

/**
 * The file with every byte compared with its sidecar before it is handed out. Closing it closes both.
 * @throws FormatError when the sidecar is none, or not this file's.
 */
export async function withCrc(source: ByteSource, crcs: ByteSource): Promise<ByteSource> {
  const header = asBuffer(await crcs.read(0, Math.min(HEADER_BYTES, crcs.length)))
  const details = { file: crcs.name, length: crcs.length }
  if (header.length < HEADER_BYTES || !equalBytes(header.subarray(0, MAGIC.length), MAGIC)) {
    throw new FormatError(`Cannot verify ${source.name}: ${crcs.name} is no checksum file of Hadoop's`, {
      details,
    })
  }
  const bytesPerCrc = header.readInt32BE(MAGIC.length)
  if (bytesPerCrc <= 0) {
    throw new FormatError(
      `Cannot verify ${source.name}: ${crcs.name} covers ${bytesPerCrc} bytes at a time`,
      {
        details,
      },
    )
  }
  const covered = Math.ceil(source.length / bytesPerCrc)
  if (crcs.length !== HEADER_BYTES + covered * CRC_BYTES) {
    const found = (crcs.length - HEADER_BYTES) / CRC_BYTES
    throw new TruncatedError(
      `Cannot verify ${source.name}: ${crcs.name} has ${found} checksums instead of ${covered}; one of the two files is cut short or not the other's`,
      { details },
    )
  }
  return new VerifiedSource(source, crcs, bytesPerCrc)
}

class VerifiedSource implements ByteSource {
  private readonly joined: JoinedCrc
  private held: Promise<Uint8Array> | undefined

  constructor(
    private readonly source: ByteSource,
    private readonly crcs: ByteSource,
    private readonly bytesPerCrc: number,
  ) {
    this.joined = new JoinedCrc(bytesPerCrc)
  }

  get name(): string {
    return this.source.name
  }

  get length(): number {
    return this.source.length
  }

  async read(start: number, end: number, reuse?: Reuse): Promise<Uint8Array> {
    requireRange(this, start, end)
    const from = this.chunkStart(start)
    const bytes = await this.source.read(from, this.chunkEnd(end), reuse)
    await this.check(from, bytes)
    return bytes.subarray(start - from, end - from)
  }

  async *stream(start: number, end = this.length, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    requireRange(this, start, end)
    if (start === end) return
    let position = this.chunkStart(start)
    // The part of a chunk whose end has not come yet; copies, because their pieces may be used again.
    let begun: Uint8Array[] = []
    let read = position
    for await (const piece of this.source.stream(position, this.chunkEnd(end), options)) {
      read += piece.length
      const verifiable = read === this.length ? read : this.chunkStart(read)
      if (verifiable <= position) {
        begun.push(Uint8Array.from(piece))
        continue
      }
      const bytes = begun.length > 0 ? Buffer.concat([...begun, piece]) : piece
      const verified = bytes.subarray(0, verifiable - position)
      await this.check(position, verified)
      begun = verifiable < read ? [Uint8Array.from(bytes.subarray(verified.length))] : []
      const good = verified.subarray(Math.max(0, start - position), Math.max(0, end - position))
      position = verifiable
      if (good.length > 0) yield good
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.source.close(), this.crcs.close()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private chunkStart(position: number): number {
    return position - (position % this.bytesPerCrc)
  }

  /** Where the last chunk ends that has a byte before this position. */
  private chunkEnd(position: number): number {
    return Math.min(this.length, Math.ceil(position / this.bytesPerCrc) * this.bytesPerCrc)
  }

  /**
   * Compares bytes that begin with a chunk and end with one, or with the file. All chunks are compared as
   * one first: a call for each would cost three times as much.
   */
  private async check(position: number, bytes: Uint8Array): Promise<void> {
    const { bytesPerCrc } = this
    const first = position / bytesPerCrc
    const chunks = Math.ceil(bytes.length / bytesPerCrc)
    if (chunks === 0) return
    const expected = await this.expected(first, chunks)
    const whole = bytesPerCrc <= MAX_JOINED_BYTES ? Math.floor(bytes.length / bytesPerCrc) : 0
    const sound = crc32(bytes.subarray(0, whole * bytesPerCrc)) === this.joined.of(expected, whole)
    for (let chunk = sound ? whole : 0; chunk < chunks; chunk++) {
      const start = chunk * bytesPerCrc
      this.compare(
        position + start,
        crc32(bytes.subarray(start, start + bytesPerCrc)),
        expected.readUInt32BE(chunk * CRC_BYTES),
      )
    }
  }

  /** The checksums of chunks. Those of a file that is read here and there come from memory soon. */
  private async expected(first: number, chunks: number): Promise<Buffer> {
    const [start, end] = [HEADER_BYTES + first * CRC_BYTES, HEADER_BYTES + (first + chunks) * CRC_BYTES]
    if (this.crcs.length > MAX_HELD_BYTES) return asBuffer(await this.crcs.read(start, end))
    this.held ??= this.crcs.read(0, this.crcs.length)
    return asBuffer((await this.held).subarray(start, end))
  }

  private compare(offset: number, found: number, expected: number): void {
    if (found === expected) return
    const hex = (crc: number) => crc.toString(16).padStart(CRC_BYTES * 2, '0')
    throw new ChecksumError(
      `Cannot read ${this.name}: the checksum of the ${this.bytesPerCrc} bytes at ${offset} is ${hex(found)}, expected ${hex(expected)}`,
      { details: { file: this.name, offset, found: hex(found), expected: hex(expected) } },
    )
  }
}

/**
 * The CRC-32 of chunks of one length in a row, from those of each. To append a chunk changes a CRC by a
 * linear map over its bits and then by the chunk's own CRC (what zlib's crc32_combine does); the map of
 * one length is four tables, a byte of the CRC each.
 */
class JoinedCrc {
  private tables: Uint32Array | undefined

  constructor(private readonly chunkBytes: number) {}

  /** @param crcs big-endian, at least `count` of them */
  of(crcs: Buffer, count: number): number {
    if (count === 0) return 0
    let joined = crcs.readUInt32BE(0)
    if (count === 1) return joined
    this.tables ??= this.makeTables()
    const { tables } = this
    for (let at = CRC_BYTES; at < count * CRC_BYTES; at += CRC_BYTES) {
      const moved =
        tables[joined & 0xff]! ^
        tables[0x100 | ((joined >>> 8) & 0xff)]! ^
        tables[0x200 | ((joined >>> 16) & 0xff)]! ^
        tables[0x300 | (joined >>> 24)]!
      joined = (moved ^ crcs.readUInt32BE(at)) >>> 0
    }
    return joined
  }

  private makeTables(): Uint32Array {
    const zeros = new Uint8Array(this.chunkBytes)
    const ofNothing = crc32(zeros)
    const tables = new Uint32Array(4 * 256)
    for (let bit = 0; bit < 32; bit++) {
      const image = crc32(zeros, 2 ** bit) ^ ofNothing
      const table = (bit >>> 3) * 256
      const step = 1 << (bit & 7)
      for (let value = step; value < 256; value++) {
        if ((value & step) !== 0) tables[table + value]! ^= image
      }
    }
    return tables
  }
}

/** Writes a file and its sidecar. */
export class CrcSink implements ByteSink {
  private readonly stage: OutputStage
  private crc: number | undefined
  private inChunk = 0

  constructor(
    private readonly data: ByteSink,
    private readonly crcs: ByteSink,
    private readonly bytesPerCrc = DEFAULT_BYTES_PER_CRC,
  ) {
    this.stage = new OutputStage(crcs)
    const header = Buffer.alloc(HEADER_BYTES)
    header.set(MAGIC)
    header.writeInt32BE(bytesPerCrc, MAGIC.length)
    this.stage.write(header)
  }

  get name(): string {
    return this.data.name
  }

  get position(): number {
    return this.data.position
  }

  write(bytes: Uint8Array): Waiting {
    let waiting = undefined as Waiting
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(bytes.length - at, this.bytesPerCrc - this.inChunk)
      this.crc = crc32(bytes.subarray(at, at + taken), this.crc)
      this.inChunk += taken
      at += taken
      if (this.inChunk === this.bytesPerCrc) waiting = both(waiting, this.endChunk())
    }
    return both(waiting, this.data.write(bytes))
  }

  async close(): Promise<void> {
    if (this.inChunk > 0) await this.endChunk()
    await this.data.close()
    await this.stage.flush()
    await this.crcs.close()
  }

  async abort(): Promise<void> {
    await Promise.all([this.data.abort(), this.crcs.abort()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.data[Symbol.asyncDispose](), this.crcs[Symbol.asyncDispose]()])
  }

  private endChunk(): Waiting {
    const bytes = Buffer.allocUnsafe(CRC_BYTES)
    bytes.writeUInt32BE(this.crc!)
    this.crc = undefined
    this.inChunk = 0
    return this.stage.write(bytes)
  }
}
