import type { FileSystem } from '../../fs/file-system.js'
import {
  createSequenceFileWriter,
  SequenceFileReader,
  type SequenceFileWriter,
} from '../../io/sequence-file/index.js'
import type { Waiting } from '../../io/waiting.js'
import type { OutputSpec, PartReport } from '../task/task.js'
import { DigestSink } from './digest-sink.js'
import { KeyTally } from './key-tally.js'
import { storedAs } from './part-file.js'
import type { RecordPart } from './record-part.js'

/** A SequenceFile being written, in the order in which its records come. */
export class SequenceFilePart implements RecordPart {
  private constructor(
    private readonly fs: FileSystem,
    private readonly path: string,
    private readonly data: DigestSink,
    private readonly writer: SequenceFileWriter,
  ) {}

  static async create(fs: FileSystem, path: string, output: OutputSpec): Promise<SequenceFilePart> {
    const data = new DigestSink(await fs.create(path, { ...storedAs(output), crc: output.crc }))
    const writer = await createSequenceFileWriter(data, {
      keyClass: output.keyClass,
      valueClass: output.valueClass,
      compression: output.compression,
      ...(output.codec === undefined ? {} : { codec: output.codec }),
      syncMarker: Buffer.from(output.syncMarker, 'hex'),
    }).catch(async (error) => {
      await data.abort()
      throw error
    })
    return new SequenceFilePart(fs, path, data, writer)
  }

  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting {
    return this.writer.append(key, value)
  }

  /** Appends the records of another part, one by one, so that the bytes don't tell where it began. */
  async appendPart(path: string): Promise<void> {
    await using source = await this.fs.open(path)
    await using reader = await SequenceFileReader.open(source)
    while (await reader.fill()) {
      for (let record = reader.next(); record; record = reader.next()) {
        const waiting = this.writer.append(record.key, record.value)
        if (waiting) await waiting
      }
    }
  }

  async close(): Promise<PartReport> {
    await this.writer.close()
    await using source = await this.fs.open(this.path)
    await using reader = await SequenceFileReader.open(source)
    const tally = new KeyTally(reader.header.keyClass)
    while (await reader.fill()) {
      for (let record = reader.next(); record; record = reader.next()) tally.add(record.key)
    }
    return { ...tally.report(), bytes: source.length, duplicateKeys: 0, digest: this.data.digest() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]()
  }
}
