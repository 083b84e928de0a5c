import type { FileSystem } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import { CHECKSUM_FILE, DATA_FILE, INDEX_FILE } from '../../io/map-file/format.js'
import { MapFileWriter } from '../../io/map-file/writer.js'
import { BytesWritable } from '../../io/writables/bytes-writable.js'
import { Text } from '../../io/writables/text.js'
import { openMapFile } from '../map-file-folder.js'
import { type KeyJson, keyToJson, type OutputSpec, type PartReport } from '../task/task.js'
import { DigestSink } from './digest-sink.js'

/** A MapFile of Text and BytesWritable being written to a folder of its own. */
export class PartFile implements AsyncDisposable {
  private constructor(
    readonly fs: FileSystem,
    readonly folder: string,
    private readonly data: DigestSink,
    readonly writer: MapFileWriter,
  ) {}

  /** Makes the folder, whose parent must exist, and the files in it. */
  static async create(fs: FileSystem, folder: string, output: OutputSpec): Promise<PartFile> {
    await fs.mkdir(folder)
    const data = new DigestSink(await fs.create(joinPath(folder, DATA_FILE), { crc: output.crc }))
    const index = await fs.create(joinPath(folder, INDEX_FILE), { crc: output.crc })
    const checksum = await fs.create(joinPath(folder, CHECKSUM_FILE))
    const writer = await MapFileWriter.create(
      { data, index, checksum },
      {
        keyClass: Text.className,
        valueClass: BytesWritable.className,
        compression: output.compression,
        ...(output.codec === undefined ? {} : { codec: output.codec }),
        indexInterval: output.indexInterval,
        syncMarker: Buffer.from(output.syncMarker, 'hex'),
      },
    )
    return new PartFile(fs, folder, data, writer)
  }

  /** Closes the files and reads back what they hold. */
  async close(): Promise<PartReport> {
    await this.writer.close()
    return { ...(await readBack(this.fs, this.folder)), digest: this.data.digest() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer.abort()
  }
}

/** Walks a part that was just written, checks each value against its checksum, and counts. */
async function readBack(fs: FileSystem, folder: string): Promise<Omit<PartReport, 'digest'>> {
  await using file = await openMapFile(fs, folder)
  let records = 0
  let duplicateKeys = 0
  let firstDuplicate: KeyJson | undefined
  let first: Uint8Array | undefined
  let last: Uint8Array | undefined
  for await (const { key } of file.reader.entries()) {
    first ??= key
    if (last && Buffer.compare(last, key) === 0) {
      duplicateKeys++
      firstDuplicate ??= keyToJson(Text.utf8(key))
    }
    last = key
    records++
  }
  const status = await fs.stat(joinPath(folder, DATA_FILE))
  return {
    records,
    bytes: status.length,
    firstKey: first ? keyToJson(Text.utf8(first)) : '',
    lastKey: last ? keyToJson(Text.utf8(last)) : '',
    duplicateKeys,
    ...(firstDuplicate === undefined ? {} : { firstDuplicate }),
  }
}
