import { crc32 } from 'node:zlib'
import { ChecksumError, FormatError, TruncatedError } from '../errors.js'
import type { ByteSink } from './byte-sink.js'
import { type ByteSource, requireRange, type StreamOptions } from './byte-source.js'
import { asBuffer, EMPTY_BYTES, equalBytes } from './bytes.js'
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

/** Name of the sidecar of a file of this name. */
export function crcFileName(name: string): string {
  return `.${name}.crc`
}

/**
 * The file with every byte compared with its sidecar before it is handed out.
 * @throws FormatError when the sidecar is none, or not this file's.
 */
export async function withCrc(source: ByteSource, crcSource: ByteSource): Promise<ByteSource> {
  const crcs = asBuffer(await crcSource.read(0, crcSource.length))
  const details = { file: crcSource.name, length: crcs.length }
  if (crcs.length < HEADER_BYTES || !equalBytes(crcs.subarray(0, MAGIC.length), MAGIC)) {
    throw new FormatError(`Cannot verify ${source.name}: ${crcSource.name} is no checksum file of Hadoop's`, {
      details,
    })
  }
  const bytesPerCrc = crcs.readInt32BE(MAGIC.length)
  if (bytesPerCrc <= 0) {
    throw new FormatError(
      `Cannot verify ${source.name}: ${crcSource.name} covers ${bytesPerCrc} bytes at a time`,
      { details },
    )
  }
  const covered = Math.ceil(source.length / bytesPerCrc)
  if (crcs.length !== HEADER_BYTES + covered * CRC_BYTES) {
    const found = (crcs.length - HEADER_BYTES) / CRC_BYTES
    throw new TruncatedError(
      `Cannot verify ${source.name}: ${crcSource.name} has ${found} checksums instead of ${covered}; one of the two files is cut short or not the other's`,
      { details },
    )
  }
  return new VerifiedSource(source, crcs.subarray(HEADER_BYTES), bytesPerCrc)
}

class VerifiedSource implements ByteSource {
  constructor(
    private readonly source: ByteSource,
    private readonly crcs: Buffer,
    private readonly bytesPerCrc: number,
  ) {}

  get name(): string {
    return this.source.name
  }

  get length(): number {
    return this.source.length
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    requireRange(this, start, end)
    const from = this.chunkStart(start)
    const bytes = await this.source.read(from, this.chunkEnd(end))
    for (let at = 0; at < bytes.length; at += this.bytesPerCrc) {
      this.check(from + at, crc32(bytes.subarray(at, at + this.bytesPerCrc)))
    }
    return bytes.subarray(start - from, end - from)
  }

  async *stream(start: number, end = this.length, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    requireRange(this, start, end)
    if (start === end) return
    let position = this.chunkStart(start)
    // Bytes of a chunk whose end has not come yet, and their checksum so far.
    let pending: Uint8Array[] = []
    let crc: number | undefined
    for await (const piece of this.source.stream(position, this.chunkEnd(end), options)) {
      let verified = 0
      for (let at = 0; at < piece.length; ) {
        const chunk = this.chunkStart(position)
        const taken = Math.min(piece.length - at, this.chunkEnd(position + 1) - position)
        crc = crc32(piece.subarray(at, at + taken), crc)
        at += taken
        position += taken
        if (position < this.chunkEnd(chunk + 1)) break
        this.check(chunk, crc)
        crc = undefined
        for (const part of pending) yield part
        pending = []
        verified = at
      }
      const first = position - piece.length
      const good = piece.subarray(Math.max(0, start - first), Math.max(0, Math.min(verified, end - first)))
      if (good.length > 0) yield good
      const rest = piece.subarray(Math.max(verified, start - first, 0), Math.max(0, end - first))
      pending.push(rest.length > 0 ? rest : EMPTY_BYTES)
    }
  }

  async close(): Promise<void> {
    await this.source.close()
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

  private check(offset: number, found: number): void {
    const expected = this.crcs.readUInt32BE((offset / this.bytesPerCrc) * CRC_BYTES)
    if (found === expected) return
    const hex = (crc: number) => crc.toString(16).padStart(CRC_BYTES * 2, '0')
    throw new ChecksumError(
      `Cannot read ${this.name}: the checksum of the ${this.bytesPerCrc} bytes at ${offset} is ${hex(found)}, expected ${hex(expected)}`,
      { details: { file: this.name, offset, found: hex(found), expected: hex(expected) } },
    )
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
