import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../../src/errors.js'
import { MemorySource } from '../../src/io/byte-source.js'
import { LineReader, type LineReaderOptions } from '../../src/io/text/line-reader.js'
import { textPieces } from '../../src/io/text/text-pieces.js'

interface Line {
  offset: number
  text: string
}

async function readLines(
  pieces: AsyncIterable<Uint8Array>,
  options: Partial<LineReaderOptions> = {},
): Promise<Line[]> {
  await using reader = new LineReader(pieces, { name: 'lines.txt', ...options })
  const lines: Line[] = []
  while (await reader.fill()) {
    while (reader.next()) lines.push({ offset: reader.offset, text: reader.text() })
  }
  return lines
}

/** The bytes from `start` on, cut at the given places. */
async function* cut(bytes: Uint8Array, cuts: readonly number[], start = 0): AsyncGenerator<Uint8Array> {
  const places = [...new Set([start, ...cuts.filter((at) => at > start), bytes.length])]
  const ordered = places.filter((at) => at <= bytes.length).sort((a, b) => a - b)
  for (let i = 1; i < ordered.length; i++) yield bytes.slice(ordered[i - 1], ordered[i])
}

/** The lines of a whole text, by a rule that is easy to see through. */
function linesOf(bytes: Uint8Array): Line[] {
  const text = Buffer.from(bytes).toString('latin1')
  const lines: Line[] = []
  for (let offset = 0; offset < text.length; ) {
    const end = /\r\n|\r|\n/.exec(text.slice(offset))
    const to = end ? offset + end.index : text.length
    const from = offset === 0 && text.startsWith('\xef\xbb\xbf') ? 3 : offset
    lines.push({ offset, text: Buffer.from(bytes.slice(from, to)).toString('utf8') })
    offset = end ? to + end[0].length : to
  }
  return lines
}

/** Text full of line ends, each kind next to each other. */
const texts = fc
  .tuple(
    fc.constantFrom('', '\ufeff'),
    fc.array(fc.constantFrom('\n', '\r', '\r\n', 'a', 'word', 'straße', '日本', ' ', ''), { maxLength: 60 }),
  )
  .map(([mark, parts]) => Buffer.from(mark + parts.join('')))
const places = fc.array(fc.nat(200), { maxLength: 12 })

describe('A line reader', () => {
  it('finds the same lines however the file comes in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(texts, places, async (bytes, cuts) => {
        expect(await readLines(cut(bytes, cuts))).toEqual(linesOf(bytes))
      }),
      { numRuns: 1000 },
    )
  })

  it('gives each line once over all splits, wherever they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(texts, places, places, async (bytes, cuts, borders) => {
        const ends = [...new Set([...borders.filter((at) => at > 0 && at < bytes.length), bytes.length])]
        ends.sort((a, b) => a - b)
        const found: Line[] = []
        for (const [i, end] of ends.entries()) {
          const start = ends[i - 1] ?? 0
          found.push(...(await readLines(cut(bytes, cuts, start), { start, end })))
        }
        expect(found).toEqual(linesOf(bytes))
      }),
      { numRuns: 1000 },
    )
  })

  it('gives a line to the split that it begins in, and one at a border to the split before', async () => {
    const source = new MemorySource(Buffer.from('one\ntwo\nthree\n'))
    const { signal } = new AbortController()
    const split = (start: number, end: number) =>
      readLines(textPieces(source, { start, end, signal }), { start, end })

    expect(await split(0, 3)).toEqual([{ offset: 0, text: 'one' }])
    expect(await split(0, 4)).toMatchObject([{ text: 'one' }, { text: 'two' }])
    expect(await split(4, 14)).toEqual([{ offset: 8, text: 'three' }])
    expect(await split(9, 14)).toEqual([])
  })

  it('takes a carriage return and a line feed for one end when a piece or a split ends between them', async () => {
    const bytes = Buffer.from('one\r\ntwo\r\n')
    expect(await readLines(cut(bytes, [4]))).toMatchObject([{ text: 'one' }, { text: 'two' }])
    expect(await readLines(cut(bytes, [], 4), { start: 4, end: 10 })).toEqual([{ offset: 5, text: 'two' }])
  })

  it('leaves a byte order mark at the beginning of the file alone', async () => {
    const bytes = Buffer.from('\ufeffone\n\ufefftwo')
    expect(await readLines(cut(bytes, [1, 2]))).toEqual([
      { offset: 0, text: 'one' },
      { offset: 7, text: '\ufefftwo' },
    ])
  })

  it('shows what is no UTF-8 as U+FFFD', async () => {
    expect(await readLines(cut(Buffer.from([0x61, 0xff, 0x0a, 0x62]), []))).toMatchObject([
      { text: 'a\ufffd' },
      { text: 'b' },
    ])
  })

  it('refuses a line that is too long, and says where it is', async () => {
    const bytes = Buffer.from(`short\n${'x'.repeat(100)}`)
    const reading = readLines(cut(bytes, [20, 40, 60, 80]), { maxLineBytes: 50 })
    await expect(reading).rejects.toThrow(FormatError)
    await expect(reading).rejects.toThrow(
      'Cannot read the line at 6 of lines.txt: it is longer than 50 bytes',
    )
    const atOnce = readLines(cut(Buffer.from(`${'x'.repeat(51)}\n`), []), { maxLineBytes: 50 })
    await expect(atOnce).rejects.toThrow('Cannot read the line at 0')
    // That of the split before is that split's to refuse.
    expect(await readLines(cut(bytes, [], 2), { start: 2, end: 5, maxLineBytes: 50 })).toEqual([])
  })

  it('reads no more behind a split than its last line takes', async () => {
    const bytes = Buffer.from(`${'line\n'.repeat(1000)}${'x'.repeat(1_000_000)}\n${'line\n'.repeat(200_000)}`)
    let read = 0
    class Counting extends MemorySource {
      override read(start: number, end: number): Promise<Uint8Array> {
        read += end - start
        return super.read(start, end)
      }
    }
    const { signal } = new AbortController()
    const range = { start: 2500, end: 5000 }
    const lines = await readLines(textPieces(new Counting(bytes), { ...range, signal }), range)
    expect(lines).toHaveLength(500)
    expect(lines.at(-1)!.text).toHaveLength(1_000_000)
    expect(read).toBeLessThan(2_100_000)
  })
})
