import { FormatError } from '../../errors.js'
import type { Location } from '../../fs/resolve.js'
import { LineReader } from '../../io/text/line-reader.js'
import type { TextFormat } from '../job.js'

/** A line of a part that a job wrote as text. */
export interface LineOfPart {
  /** Of text the byte at which the line begins. */
  readonly key: unknown
  readonly value: unknown
  readonly position: number
  /** Of the line, without its end. */
  readonly bytes: Uint8Array
}

export interface TextFile {
  readonly format: TextFormat
  readonly location: Location
}

/**
 * The lines of a text part; those of `jsonl` as the records that they tell.
 * @throws FormatError when one of those is no record in JSON.
 */
export async function* textRecords(
  { format, location }: TextFile,
  signal = new AbortController().signal,
): AsyncGenerator<LineOfPart> {
  const { fs, path } = location
  await using source = await fs.open(path)
  await using lines = new LineReader(source.stream(0, source.length, { signal }), { name: path })
  while (await lines.fill()) {
    while (lines.next()) {
      const { offset: position } = lines
      const bytes = lines.bytes.subarray(lines.from, lines.to)
      const text = lines.text()
      const record = format === 'jsonl' ? parseRecord(text, path, position) : { key: position, value: text }
      yield { ...record, position, bytes }
    }
  }
}

/** @throws FormatError when the line is no record in JSON. */
export function parseRecord(line: string, path: string, position: number): { key: unknown; value: unknown } {
  let cause: unknown
  try {
    const record: unknown = JSON.parse(line)
    if (typeof record === 'object' && record !== null && 'key' in record && 'value' in record) {
      return { key: record.key, value: record.value }
    }
  } catch (error) {
    cause = error
  }
  throw new FormatError(`Cannot read the line at ${position} of ${path}: it is no record in JSON`, {
    ...(cause === undefined ? {} : { cause }),
    details: { file: path, offset: position },
  })
}
