import { FormatError, TruncatedError, UnsupportedError } from '../../errors.js'
import type { ByteSource } from '../byte-source.js'
import { asBuffer, compareBytes, joinBytes, readInt32, writeInt32 } from '../bytes.js'
import { readVLong, vintSizeFromFirst } from '../vint.js'
import { Text } from '../writables/text.js'
import { type Compression, LENGTH_BYTES, SYNC_MARKER_BYTES } from './format.js'

/*
 * The header of a SequenceFile:
 *
 *   bytes   "SEQ"
 *   byte    version, 6 (5 has no metadata; 4 neither that nor a codec name)
 *   Text    key class
 *   Text    value class
 *   bool    compressed
 *   bool    block-compressed
 *   Text    codec class                 if compressed
 *   int32   number of metadata entries
 *   Text    key, Text value             of each, in the order of the keys
 *   bytes   sync marker, 16
 */
const MAGIC = Buffer.from('SEQ', 'latin1')
const CURRENT_VERSION = 6
const METADATA_VERSION = 6
const CODEC_NAME_VERSION = 5
const OLDEST_VERSION = 4
const OLD_CODEC = 'org.apache.hadoop.io.compress.DefaultCodec'
/** Enough for the header of nearly every file. */
const FIRST_READ_BYTES = 1024
/** A header that goes on beyond this is taken for damage. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024

export interface SequenceFileHeader {
  readonly version: number
  readonly keyClass: string
  readonly valueClass: string
  readonly compression: Compression
  /** Java class name; undefined with compression NONE. */
  readonly codec: string | undefined
  readonly metadata: readonly (readonly [string, string])[]
  /** 16 bytes. */
  readonly syncMarker: Uint8Array
}

/**
 * Reads the header and says where it ends.
 * @throws FormatError when the file is no SequenceFile.
 * @throws TruncatedError when it ends within its header.
 * @throws UnsupportedError for another version.
 */
export async function readHeader(
  source: ByteSource,
): Promise<{ header: SequenceFileHeader; headerLength: number }> {
  const most = Math.min(source.length, MAX_HEADER_BYTES)
  for (let wanted = FIRST_READ_BYTES; ; wanted *= 8) {
    const bytes = await source.read(0, Math.min(wanted, most))
    const cursor = new HeaderCursor(bytes, source.name, source.length)
    try {
      return { header: parseHeader(cursor), headerLength: cursor.at }
    } catch (error) {
      if (cursor.ranOut && bytes.length < most) continue
      throw error
    }
  }
}

function parseHeader(cursor: HeaderCursor): SequenceFileHeader {
  if (compareBytes(cursor.bytesOf(MAGIC.length), MAGIC) !== 0) {
    throw cursor.wrong('it does not begin with "SEQ", so it is no SequenceFile')
  }
  const version = cursor.byte()
  if (version < OLDEST_VERSION || version > CURRENT_VERSION) {
    throw new UnsupportedError(
      `Cannot read ${cursor.file}: its SequenceFile version is ${version}; known are ${OLDEST_VERSION} to ${CURRENT_VERSION}`,
      { details: { file: cursor.file, version } },
    )
  }
  const keyClass = cursor.text()
  const valueClass = cursor.text()
  const compressed = cursor.boolean()
  const blocks = cursor.boolean()
  if (blocks && !compressed) throw cursor.wrong('it is block-compressed and not compressed')
  const codec = !compressed ? undefined : version >= CODEC_NAME_VERSION ? cursor.text() : OLD_CODEC
  const metadata: [string, string][] = []
  if (version >= METADATA_VERSION) {
    const count = cursor.int32()
    if (count < 0) throw cursor.wrong(`it states ${count} metadata entries`)
    for (let i = 0; i < count; i++) metadata.push([cursor.text(), cursor.text()])
  }
  return {
    version,
    keyClass,
    valueClass,
    compression: blocks ? 'BLOCK' : compressed ? 'RECORD' : 'NONE',
    codec,
    metadata,
    syncMarker: cursor.bytesOf(SYNC_MARKER_BYTES).slice(),
  }
}

/** The bytes of a version 6 header. Metadata is sorted by key, as Hadoop writes it. */
export function encodeHeader(header: Omit<SequenceFileHeader, 'version'>): Uint8Array {
  if (header.syncMarker.length !== SYNC_MARKER_BYTES) {
    throw new FormatError(
      `Cannot write a SequenceFile: the sync marker has ${header.syncMarker.length} bytes instead of ${SYNC_MARKER_BYTES}`,
    )
  }
  const compressed = header.compression !== 'NONE'
  const count = new Uint8Array(LENGTH_BYTES)
  writeInt32(count, 0, header.metadata.length)
  const entries = header.metadata
    .map(([key, value]) => [Text.encode(key), Text.encode(value)] as const)
    .sort(([a], [b]) => Text.compare(a, b))
  return joinBytes([
    MAGIC,
    Uint8Array.of(CURRENT_VERSION),
    Text.encode(header.keyClass),
    Text.encode(header.valueClass),
    Uint8Array.of(Number(compressed), Number(header.compression === 'BLOCK')),
    ...(compressed ? [Text.encode(header.codec!)] : []),
    count,
    ...entries.flat(),
    header.syncMarker,
  ])
}

class HeaderCursor {
  at = 0
  /** Whether more bytes of the file might have helped. */
  ranOut = false

  constructor(
    private readonly bytes: Uint8Array,
    readonly file: string,
    private readonly fileLength: number,
  ) {}

  bytesOf(count: number): Uint8Array {
    if (this.at + count > this.bytes.length) {
      this.ranOut = true
      throw this.truncated('the file ends within its header')
    }
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  byte(): number {
    return this.bytesOf(1)[0]!
  }

  boolean(): boolean {
    const byte = this.byte()
    if (byte > 1) throw this.wrong(`a boolean is ${byte}`)
    return byte === 1
  }

  int32(): number {
    return readInt32(this.bytesOf(LENGTH_BYTES), 0)
  }

  text(): string {
    const first = this.byte()
    this.at--
    const length = Number(readVLong(this.bytesOf(vintSizeFromFirst(first)), 0))
    if (length < 0) throw this.wrong(`a text has ${length} bytes`)
    if (this.at + length > this.fileLength) throw this.truncated('a text goes beyond the end of the file')
    return asBuffer(this.bytesOf(length)).toString('utf8')
  }

  truncated(problem: string): TruncatedError {
    return new TruncatedError(this.message(problem), this.place())
  }

  wrong(problem: string): FormatError {
    return new FormatError(this.message(problem), this.place())
  }

  private message(problem: string): string {
    return `Cannot read the SequenceFile header of ${this.file}: ${problem}`
  }

  private place() {
    return { details: { file: this.file, offset: this.at } }
  }
}
