import type { FileSystem } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import type { ByteSource } from '../../io/byte-source.js'
import {
  CHECKSUM_FILE,
  DATA_FILE,
  INDEX_FILE,
  MapFileWriter,
  type SkippedRange,
} from '../../io/map-file/index.js'
import { openSequenceFile } from '../../io/sequence-file/index.js'
import { BytesWritable, Text } from '../../io/writables/index.js'
import { QUARANTINE_FOLDER } from '../task/layout.js'
import { replaceFile } from './replace-file.js'

const WRITING_FOLDER = '.quarantine.fix'
/** A longer range is kept in several records. */
const PIECE_BYTES = 8 * 1024 * 1024
/** Digits of 2^53, so that keys are in the order of their numbers. */
const POSITION_DIGITS = 16

/**
 * Keeps the bytes of a MapFile's data that can't be read, in a MapFile in its own folder, `_quarantine`,
 * which Hadoop does not see: Text `<start>-<end>`, the positions in `data`, to the bytes. Disposing without
 * `commit` leaves nothing.
 */
export class UnreadableBytes implements AsyncDisposable {
  private writer: MapFileWriter | undefined
  private readonly writing: string

  constructor(
    private readonly fs: FileSystem,
    private readonly mapFile: string,
    private readonly data: ByteSource,
  ) {
    this.writing = joinPath(mapFile, WRITING_FOLDER)
  }

  async keep({ start, end }: SkippedRange): Promise<void> {
    this.writer ??= await this.create()
    for (let at = start; at < end; at += PIECE_BYTES) {
      const until = Math.min(end, at + PIECE_BYTES)
      const bytes = await this.data.read(at, until)
      const key = [at, until].map((position) => String(position).padStart(POSITION_DIGITS, '0')).join('-')
      await this.writer.append(Text.encode(key), [BytesWritable.prefix(bytes.length), bytes])
    }
  }

  /** Puts it in its place, for that of an earlier repair; returns the folder, undefined when nothing was kept. */
  async commit(): Promise<string | undefined> {
    const folder = joinPath(this.mapFile, QUARANTINE_FOLDER)
    const writer = this.writer
    if (!writer) return undefined
    await writer.close()
    this.writer = undefined
    await replaceFile(this.fs, this.writing, folder)
    return folder
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.writer) return
    await this.writer.abort()
    await this.fs.delete(this.writing, { recursive: true })
  }

  private async create(): Promise<MapFileWriter> {
    const { fs, writing } = this
    await fs.delete(writing, { recursive: true })
    await fs.mkdir(writing)
    const { header } = await openSequenceFile(this.data)
    return MapFileWriter.create(
      {
        data: await fs.create(joinPath(writing, DATA_FILE)),
        index: await fs.create(joinPath(writing, INDEX_FILE)),
        checksum: await fs.create(joinPath(writing, CHECKSUM_FILE)),
      },
      {
        keyClass: Text.className,
        valueClass: BytesWritable.className,
        compression: 'NONE',
        syncMarker: markerOf(header.syncMarker),
      },
    )
  }
}

/** Neither the data's marker nor its index's, because the data's bytes stand in this file. */
function markerOf(syncMarker: Uint8Array): Uint8Array {
  return syncMarker.map((byte) => byte ^ 0x5a)
}
