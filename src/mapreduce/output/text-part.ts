import { LedgerError } from '../../errors.js'
import type { FileSystem } from '../../fs/file-system.js'
import type { ByteSource } from '../../io/byte-source.js'
import { asBuffer, EMPTY_BYTES } from '../../io/bytes.js'
import { OutputStage } from '../../io/sequence-file/output-stage.js'
import type { Waiting } from '../../io/waiting.js'
import { NullWritable, Text, writableFor } from '../../io/writables/index.js'
import { counted } from '../counted.js'
import { wholeValue } from '../record-classes.js'
import type { OutputSpec, PartReport } from '../task/task.js'
import { DigestSink } from './digest-sink.js'
import { KeyTally } from './key-tally.js'
import { storedAs } from './part-file.js'
import { plainJson, plainText } from './plain-values.js'
import type { RecordPart } from './record-part.js'

const TAB = 9
const NEWLINE = 10
const CARRIAGE_RETURN = 13
const LINE_END = Uint8Array.of(NEWLINE)

/**
 * Lines of text being written: `key, tab, value` as Hadoop's TextOutputFormat, where a NullWritable and its
 * tab are left out, or an object `{"key": ..., "value": ...}` each.
 */
export class TextPart implements RecordPart {
  private readonly stage: OutputStage
  private readonly line: (key: Uint8Array, value: Uint8Array) => Uint8Array
  /** Keys without values are written as the bytes that they are. */
  private readonly areBareTexts: boolean
  private readonly tally: KeyTally

  private constructor(
    private readonly fs: FileSystem,
    private readonly path: string,
    private readonly data: DigestSink,
    output: OutputSpec,
  ) {
    this.stage = new OutputStage(data)
    this.tally = new KeyTally(output.keyClass)
    this.areBareTexts =
      output.format === 'text' &&
      output.keyClass === Text.className &&
      output.valueClass === NullWritable.className
    this.line = output.format === 'jsonl' ? jsonLine(output) : textLine(output)
  }

  static async create(fs: FileSystem, path: string, output: OutputSpec): Promise<TextPart> {
    const data = new DigestSink(await fs.create(path, { ...storedAs(output), crc: output.crc }))
    return new TextPart(fs, path, data, output)
  }

  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting {
    this.tally.add(key)
    if (this.areBareTexts) return this.stage.write(Text.utf8(key), [LINE_END])
    return this.stage.write(this.line(key, wholeValue(value)))
  }

  /** Appends all of another part, as its report tells of it. */
  async appendPart(path: string, report: PartReport): Promise<void> {
    await using source = await this.fs.open(path)
    for await (const piece of source.stream(0)) {
      const waiting = this.stage.write(piece)
      if (waiting) await waiting
    }
    this.tally.addPart(report)
  }

  /** @throws LedgerError when the file has another number of lines than records: one held a line's end. */
  async close(): Promise<PartReport> {
    await this.stage.flush()
    await this.data.close()
    await using source = await this.fs.open(this.path)
    const lines = await countLines(source)
    const { records } = this.tally
    if (lines !== records) {
      throw new LedgerError(
        `Cannot write ${this.path} as text: its ${counted(records, 'record makes', 'records make')} ${counted(lines, 'line')}, because a key or value holds a line's end; use --output-format jsonl`,
      )
    }
    const digest = this.data.digest()
    return { ...this.tally.report(), bytes: source.length, duplicateKeys: 0, digest }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.data[Symbol.asyncDispose]()
  }
}

/** Each carriage return makes one more, because a reader would end a line there. */
async function countLines(source: ByteSource): Promise<number> {
  let lines = 0
  for await (const piece of source.stream(0, source.length, { reuse: true })) {
    const bytes = asBuffer(piece)
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines++
    for (let at = bytes.indexOf(CARRIAGE_RETURN); at >= 0; at = bytes.indexOf(CARRIAGE_RETURN, at + 1))
      lines++
  }
  return lines
}

function textLine({ keyClass, valueClass }: OutputSpec): TextPart['line'] {
  const key = keyClass === NullWritable.className ? undefined : plainText(writableFor(keyClass))
  const value = valueClass === NullWritable.className ? undefined : plainText(writableFor(valueClass))
  if (key && value) return (keyBytes, bytes) => lineOf(key(keyBytes), value(bytes))
  if (key) return (keyBytes) => lineOf(key(keyBytes))
  return (_, bytes) => lineOf(value ? value(bytes) : EMPTY_BYTES)
}

function lineOf(key: Uint8Array, value?: Uint8Array): Uint8Array {
  const length = key.length + (value ? value.length + 1 : 0)
  const line = Buffer.allocUnsafe(length + 1)
  line.set(key)
  if (value) {
    line[key.length] = TAB
    line.set(value, key.length + 1)
  }
  line[length] = NEWLINE
  return line
}

function jsonLine({ keyClass, valueClass }: OutputSpec): TextPart['line'] {
  const key = plainJson(writableFor(keyClass))
  const value = plainJson(writableFor(valueClass))
  return (keyBytes, bytes) => Buffer.from(`${JSON.stringify({ key: key(keyBytes), value: value(bytes) })}\n`)
}
