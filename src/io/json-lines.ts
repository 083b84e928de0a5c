import { FormatError, TruncatedError } from '../errors.js'
import type { ByteSource } from './byte-source.js'
import { asBuffer, EMPTY_BYTES } from './bytes.js'

const NEWLINE = 10

/**
 * JSON values, one a line, from a position where a line begins, each with the position behind it.
 * @throws FormatError for a line that is no JSON; TruncatedError when the last one has no end.
 */
export async function* readJsonLines(
  source: ByteSource,
  start = 0,
  end = source.length,
): AsyncGenerator<{ value: unknown; next: number }> {
  let rest = EMPTY_BYTES as Uint8Array
  let next = start
  for await (const chunk of source.stream(start, end)) {
    const bytes = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk])
    let from = 0
    for (let newline = bytes.indexOf(NEWLINE); newline >= 0; newline = bytes.indexOf(NEWLINE, from)) {
      const value = parse(bytes.toString('utf8', from, newline), source.name, next)
      next += newline + 1 - from
      from = newline + 1
      yield { value, next }
    }
    rest = bytes.subarray(from)
  }
  if (rest.length > 0) {
    throw new TruncatedError(`Cannot read ${source.name}: it ends in the middle of the line at ${next}`, {
      details: { file: source.name, offset: next },
    })
  }
}

function parse(line: string, file: string, offset: number): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new FormatError(`Cannot read ${file}: the line at ${offset} is no JSON`, {
      cause,
      details: { file, offset },
    })
  }
}
