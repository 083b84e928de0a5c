import { UnsupportedError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { type Location, resolveUri } from '../../fs/resolve.js'
import type { ByteSource } from '../../io/byte-source.js'
import { LineReader } from '../../io/text/line-reader.js'
import { textPieces } from '../../io/text/text-pieces.js'
import type { InputDefinition } from './input-definition.js'
import type { InputRecord, ReadContext, RecordReader, TextFilesSplit, TextSplit } from './input-format.js'
import { readListing } from './listing.js'

/** "SEQ" and the version that all but ancient ones have. */
const SEQUENCE_FILE = [0x53, 0x45, 0x51, 6] as const

/** A file, or the lines of it that begin in a range. */
interface TextRange {
  path: string
  start: number
  end: number
  beginsWithLine: boolean
}

/** What `map` is called with for a line. */
type ItemOf = (offset: number, line: string) => unknown

/** Reads the lines of a split. */
export async function readText(
  split: TextSplit | TextFilesSplit,
  context: ReadContext,
): Promise<RecordReader> {
  const { fs } = resolveUri(split.path)
  return new TextReader(fs, rangesOf(split), itemOf(context.input), context.signal)
}

async function* rangesOf(split: TextSplit | TextFilesSplit): AsyncGenerator<TextRange> {
  const { path } = resolveUri(split.path)
  if (split.kind === 'text') {
    const { start, end, beginsWithLine = start === 0 } = split
    yield { path, start, end, beginsWithLine }
    return
  }
  const listing = resolveUri(split.listing)
  await using source = await listing.fs.open(listing.path)
  for await (const { key } of readListing(source, split.start, split.end)) {
    yield { path: joinPath(path, key), start: 0, end: Number.MAX_SAFE_INTEGER, beginsWithLine: true }
  }
}

function itemOf({ kind, separator = '\t' }: InputDefinition<unknown>): ItemOf {
  if (kind === 'text') return (key, value) => ({ key, value })
  return (_offset, line) => {
    const at = line.indexOf(separator)
    if (at < 0) return { key: line, value: '' }
    return { key: line.slice(0, at), value: line.slice(at + separator.length) }
  }
}

class TextReader implements RecordReader {
  private source: ByteSource | undefined
  private lines: LineReader | undefined
  private path = ''

  constructor(
    private readonly fs: Location['fs'],
    private readonly ranges: AsyncGenerator<TextRange>,
    private readonly itemOf: ItemOf,
    private readonly signal: AbortSignal,
  ) {}

  async fill(): Promise<boolean> {
    for (;;) {
      if (this.lines && (await this.lines.fill())) return true
      await this.closeFile()
      const { done, value: range } = await this.ranges.next()
      if (done) return false
      await this.openFile(range)
    }
  }

  next(): InputRecord | undefined {
    const { lines } = this
    if (!lines?.next()) return undefined
    const { offset, bytes, from, to } = lines
    if (offset === 0) this.requireText(bytes, from)
    return new LineRecord(this.path, offset, bytes, from, to, this.itemOf(offset, lines.text()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeFile()
    await this.ranges.return(undefined)
  }

  private async openFile({ path, start, end, beginsWithLine }: TextRange): Promise<void> {
    this.path = path
    this.source = await this.fs.open(path)
    const pieces = textPieces(this.source, { start, end, signal: this.signal })
    this.lines = new LineReader(pieces, { name: path, start, end, beginsWithLine })
  }

  /** A SequenceFile whose lines are read as text would be a job that succeeds with nonsense. */
  private requireText(bytes: Uint8Array, from: number): void {
    if (!SEQUENCE_FILE.every((byte, i) => bytes[from + i] === byte)) return
    throw new UnsupportedError(
      `Cannot read ${this.path} as text: it begins as a SequenceFile; recordInput() reads its records`,
      { details: { file: this.path } },
    )
  }

  private async closeFile(): Promise<void> {
    const { lines, source } = this
    this.lines = undefined
    this.source = undefined
    await lines?.[Symbol.asyncDispose]()
    await source?.close()
  }
}

/** A line. What only a bad one needs is made when it is asked for: there may be a billion good ones. */
class LineRecord implements InputRecord {
  constructor(
    private readonly path: string,
    private readonly offset: number,
    private readonly bytes: Buffer,
    private readonly from: number,
    private readonly to: number,
    readonly item: unknown,
  ) {}

  get key(): Uint8Array {
    return Buffer.from(`${this.path}:${this.offset}`)
  }

  get value(): Uint8Array {
    return this.bytes.subarray(this.from, this.to)
  }

  get valueBytes(): number {
    return this.to - this.from
  }
}
