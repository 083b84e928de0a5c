import type { CreateOptions, FileSystem } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import type { ByteSink } from '../../io/byte-sink.js'
import { equalBytes } from '../../io/bytes.js'
import { CHECKSUM_FILE, DATA_FILE, INDEX_FILE } from '../../io/map-file/format.js'
import { MapFileWriter } from '../../io/map-file/writer.js'
import type { Waiting } from '../../io/waiting.js'
import { type MapFileLengths, openMapFile } from '../map-file-folder.js'
import { type KeyJson, keyToJson, type OutputSpec, type PartReport } from '../task/task.js'
import { DigestSink } from './digest-sink.js'
import { KeyTally } from './key-tally.js'
import type { RecordPart } from './record-part.js'

/** A MapFile being written to a folder of its own. */
export class PartFile implements RecordPart {
  private constructor(
    readonly fs: FileSystem,
    readonly folder: string,
    private readonly files: { data: DigestSink; index: ByteSink; checksum: ByteSink },
    readonly writer: MapFileWriter,
  ) {}

  /** Makes the folder, whose parent must exist, and the files in it. */
  static async create(fs: FileSystem, folder: string, output: OutputSpec): Promise<PartFile> {
    await fs.mkdir(folder)
    const created: ByteSink[] = []
    const create = async (name: string, options: CreateOptions) => {
      const sink = await fs.create(joinPath(folder, name), options)
      created.push(sink)
      return sink
    }
    try {
      const stored = storedAs(output)
      const data = new DigestSink(await create(DATA_FILE, { ...stored, crc: output.crc }))
      const index = await create(INDEX_FILE, { ...stored, crc: output.crc })
      const checksum = await create(CHECKSUM_FILE, stored)
      const writer = await MapFileWriter.create(
        { data, index, checksum },
        {
          keyClass: output.keyClass,
          valueClass: output.valueClass,
          compression: output.compression,
          ...(output.codec === undefined ? {} : { codec: output.codec }),
          indexInterval: output.indexInterval,
          syncMarker: Buffer.from(output.syncMarker, 'hex'),
        },
      )
      return new PartFile(fs, folder, { data, index, checksum }, writer)
    } catch (error) {
      await Promise.allSettled(created.map((sink) => sink.abort()))
      throw error
    }
  }

  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting {
    return this.writer.append(key, value)
  }

  /** Closes the files and reads back what they hold. */
  async close(): Promise<PartReport> {
    await this.writer.close()
    const { data, index, checksum } = this.files
    const lengths = { data: data.position, index: index.position, checksum: checksum.position }
    return { ...(await readBack(this.fs, this.folder, lengths)), digest: data.digest() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer.abort()
  }
}

/** How a file of the output is stored. */
export function storedAs({ blockSize, replication }: OutputSpec): CreateOptions {
  return {
    // All of an output lies below the folder of a job, or of an attempt, that nobody else writes to.
    unshared: true,
    ...(blockSize === undefined ? {} : { blockSize }),
    ...(replication === undefined ? {} : { replication }),
  }
}

/** Walks a part that was just written, checks each value against its checksum, and counts. */
async function readBack(
  fs: FileSystem,
  folder: string,
  lengths: MapFileLengths,
): Promise<Omit<PartReport, 'digest'>> {
  await using file = await openMapFile(fs, folder, { lengths })
  const { keyClass } = file.reader.header
  const tally = new KeyTally(keyClass)
  let duplicateKeys = 0
  let firstDuplicate: KeyJson | undefined
  let last: Uint8Array | undefined
  for await (const { key } of file.reader.entries()) {
    tally.add(key)
    if (last && equalBytes(last, key)) {
      duplicateKeys++
      firstDuplicate ??= keyToJson(keyClass, key)
    }
    last = key
  }
  return {
    ...tally.report(),
    bytes: lengths.data,
    duplicateKeys,
    ...(firstDuplicate === undefined ? {} : { firstDuplicate }),
  }
}
