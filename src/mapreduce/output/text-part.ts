import { LedgerError } from '../../errors.js'
import type { FileSystem } from '../../fs/file-system.js'
import { joinBytes } from '../../io/bytes.js'
import { OutputStage } from '../../io/sequence-file/output-stage.js'
import type { Waiting } from '../../io/waiting.js'
import { NullWritable, writableFor } from '../../io/writables/index.js'
import { keyToJson, type OutputSpec, type PartReport } from '../task/task.js'
import { DigestSink } from './digest-sink.js'
import { storedAs } from './part-file.js'
import type { RecordPart } from './record-part.js'

const NEWLINE = 10

/**
 * Lines of text being written: `key, tab, value` as Hadoop's TextOutputFormat, where a NullWritable and its
 * tab are left out, or an object `{"key": ..., "value": ...}` each.
 */
export class TextPart implements RecordPart {
  private readonly stage: OutputStage
  private readonly line: (key: Uint8Array, value: Uint8Array) => string
  private records = 0
  private first: Uint8Array | undefined
  private last: Uint8Array | undefined

  private constructor(
    private readonly fs: FileSystem,
    private readonly path: string,
    private readonly data: DigestSink,
    private readonly output: OutputSpec,
  ) {
    this.stage = new OutputStage(data)
    this.line = output.format === 'jsonl' ? jsonLine(output) : textLine(output)
  }

  static async create(fs: FileSystem, path: string, output: OutputSpec): Promise<TextPart> {
    const data = new DigestSink(await fs.create(path, { ...storedAs(output), crc: output.crc }))
    return new TextPart(fs, path, data, output)
  }

  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting {
    this.records++
    this.first ??= key
    this.last = key
    const bytes = value instanceof Uint8Array ? value : joinBytes(value)
    return this.stage.write(Buffer.from(this.line(key, bytes)))
  }

  /** @throws LedgerError when the file has another number of lines than records: one held a line's end. */
  async close(): Promise<PartReport> {
    await this.stage.flush()
    await this.data.close()
    await using source = await this.fs.open(this.path)
    let lines = 0
    for await (const piece of source.stream(0)) {
      for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) lines++
    }
    if (lines !== this.records) {
      throw new LedgerError(
        `Cannot write ${this.path} as text: its ${this.records} records make ${lines} lines, because a key or value holds a line's end; use --output-format jsonl`,
      )
    }
    const { keyClass } = this.output
    return {
      records: this.records,
      bytes: source.length,
      firstKey: this.first ? keyToJson(keyClass, this.first) : '',
      lastKey: this.last ? keyToJson(keyClass, this.last) : '',
      duplicateKeys: 0,
      digest: this.data.digest(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.data[Symbol.asyncDispose]()
  }
}

function textLine({ keyClass, valueClass }: OutputSpec): TextPart['line'] {
  const key = writableFor(keyClass)
  const value = writableFor(valueClass)
  const text = (each: typeof key, bytes: Uint8Array): string => {
    const shown = each.toJson(each.decode(bytes))
    return typeof shown === 'string' ? shown : JSON.stringify(shown)
  }
  if (valueClass === NullWritable.className) return (bytes) => `${text(key, bytes)}\n`
  if (keyClass === NullWritable.className) return (_key, bytes) => `${text(value, bytes)}\n`
  return (keyBytes, bytes) => `${text(key, keyBytes)}\t${text(value, bytes)}\n`
}

function jsonLine({ keyClass, valueClass }: OutputSpec): TextPart['line'] {
  const key = writableFor(keyClass)
  const value = writableFor(valueClass)
  return (keyBytes, bytes) =>
    `${JSON.stringify({ key: key.toJson(key.decode(keyBytes)), value: value.toJson(value.decode(bytes)) })}\n`
}
