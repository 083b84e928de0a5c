import { crc32 } from 'node:zlib'
import { ChecksumError } from '../../errors.js'
import type { FileSystem } from '../../fs/file-system.js'
import { readJson, writeText } from '../../fs/text.js'
import type { ByteSink } from '../../io/byte-sink.js'
import { type ByteSource, type Reuse, requireRange, type StreamOptions } from '../../io/byte-source.js'
import {
  createSequenceFileWriter,
  SequenceFileReader,
  type SequenceFileWriter,
} from '../../io/sequence-file/index.js'

/*
 * Sorted map output, `file.out` as in Hadoop: one segment after the other, each the records of a partition
 * in order as a SequenceFile of its own; a partition without records has none. Beside it lies
 * `file.out.index`, JSON, which tells where each begins. A reducer reads its segments alone.
 */

/** Where the records of one partition lie in a spill file. */
export interface Segment {
  readonly start: number
  readonly length: number
  readonly records: number
  /** CRC-32 of the segment's bytes. */
  readonly crc: number
}

/** How spill files are written. */
export interface SpillFormat {
  readonly keyClass: string
  readonly valueClass: string
  /** Short name of the codec that blocks of records are compressed with; undefined for none. */
  readonly codec?: string | undefined
}

/** There is no need for it to differ from file to file: no split begins within a segment. */
const SYNC_MARKER = Buffer.from('pixelreducespill', 'latin1')

/** Records are read in order and whole, so a marker now and then is enough. */
const SYNC_INTERVAL = 64 * 1024 * 1024

/** Writes a spill file, partition after partition. */
export class SpillWriter implements AsyncDisposable {
  readonly segments: Segment[] = []
  private segment: { sink: SegmentSink; writer: SequenceFileWriter; records: number } | undefined

  private constructor(
    private readonly fs: FileSystem,
    readonly path: string,
    private readonly file: ByteSink,
    private readonly format: SpillFormat,
  ) {}

  static async create(fs: FileSystem, path: string, format: SpillFormat): Promise<SpillWriter> {
    return new SpillWriter(fs, path, await fs.create(path, { unshared: true }), format)
  }

  /** Ends the partition before it; called once for each, in order. */
  async startPartition(): Promise<void> {
    await this.endSegment()
    const start = this.file.position
    this.segments.push({ start, length: 0, records: 0, crc: 0 })
  }

  /** @returns a promise when it asks to wait before the next record */
  append(key: Uint8Array, value: Uint8Array): Promise<void> | void {
    if (!this.segment) return this.startSegment().then(() => this.append(key, value))
    this.segment.records++
    return this.segment.writer.append(key, value)
  }

  /** Ends the file and writes its index. */
  async close(): Promise<Segment[]> {
    await this.endSegment()
    await this.file.close()
    await writeText(this.fs, indexOf(this.path), JSON.stringify(this.segments), { unshared: true })
    return this.segments
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file[Symbol.asyncDispose]()
  }

  private async startSegment(): Promise<void> {
    const sink = new SegmentSink(this.file)
    const { keyClass, valueClass, codec } = this.format
    const writer = await createSequenceFileWriter(sink, {
      keyClass,
      valueClass,
      syncMarker: SYNC_MARKER,
      syncInterval: SYNC_INTERVAL,
      ...(codec === undefined ? {} : { compression: 'BLOCK' as const, codec }),
    })
    this.segment = { sink, writer, records: 0 }
  }

  private async endSegment(): Promise<void> {
    const { segment } = this
    if (!segment) return
    this.segment = undefined
    await segment.writer.close()
    const { start } = this.segments.pop()!
    const { position, crc } = segment.sink
    this.segments.push({ start, length: position, records: segment.records, crc })
  }
}

/** The index of a spill file. */
export async function readSegments(fs: FileSystem, path: string): Promise<Segment[]> {
  return (await readJson<Segment[]>(fs, indexOf(path)))!
}

/** A segment opened for a merge. */
export interface OpenSegment extends AsyncDisposable {
  readonly reader: SequenceFileReader
}

/**
 * @param pieceBytes read at once, and held
 * @throws ChecksumError, while it is read, when its bytes are not those that were written.
 */
export async function openSegment(
  fs: FileSystem,
  path: string,
  segment: Segment,
  pieceBytes: number,
): Promise<OpenSegment> {
  const file = await fs.open(path)
  try {
    const source = new SegmentSource(file, segment, pieceBytes)
    const reader = await SequenceFileReader.open(source)
    return {
      reader,
      async [Symbol.asyncDispose]() {
        await reader.close()
        await file.close()
      },
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

function indexOf(path: string): string {
  return `${path}.index`
}

/** A part of a file that is being written, which it leaves open. */
class SegmentSink implements ByteSink {
  position = 0
  crc = 0

  constructor(private readonly file: ByteSink) {}

  get name(): string {
    return this.file.name
  }

  write(bytes: Uint8Array): Promise<void> | void {
    this.position += bytes.length
    this.crc = crc32(bytes, this.crc)
    return this.file.write(bytes)
  }

  async close(): Promise<void> {}
  async abort(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A part of a file as a file of its own. What is streamed to the end is compared with the segment's CRC. */
class SegmentSource implements ByteSource {
  constructor(
    private readonly file: ByteSource,
    private readonly segment: Segment,
    private readonly pieceBytes: number,
  ) {}

  get name(): string {
    return this.file.name
  }

  get length(): number {
    return this.segment.length
  }

  async read(start: number, end: number, reuse?: Reuse): Promise<Uint8Array> {
    requireRange(this, start, end)
    return this.file.read(this.segment.start + start, this.segment.start + end, reuse)
  }

  async *stream(start: number, end = this.length, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    requireRange(this, start, end)
    const { segment, pieceBytes } = this
    let crc = end === this.length ? crc32(await this.read(0, start)) : undefined
    let left = end - start
    const pieces = this.file.stream(segment.start + start, segment.start + end, { ...options, pieceBytes })
    for await (const piece of pieces) {
      left -= piece.length
      if (crc !== undefined) crc = crc32(piece, crc)
      // Before the last piece is handed out, because nobody need ask for more than that.
      if (left === 0 && crc !== undefined && crc !== segment.crc) throw this.damaged()
      // A Buffer's subarray costs more than a plain array's, and each record takes two.
      yield new Uint8Array(piece.buffer, piece.byteOffset, piece.length)
    }
  }

  private damaged(): ChecksumError {
    const { start } = this.segment
    return new ChecksumError(
      `Cannot read map output from ${this.name}: the bytes from ${start} on are not those that were written`,
      { details: { file: this.name, offset: start } },
    )
  }

  async close(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}
