import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { jsonLines, pixelreduce } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { runEveryWay } from './same-output.js'

const WORDS = ['the', 'The', 'map', 'map,', 'größe', '写真', '🎞', '-', '1.5', 'reduce']

/** Text of so many lines, with every kind of white space between the words and without one at the end. */
function textOf(lines: number, seed: number): string {
  const blanks = [' ', '\t', '   ', '\u00a0', ' \f']
  let state = seed
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  return Array.from({ length: lines }, () =>
    Array.from({ length: next(12) }, () => `${WORDS[next(WORDS.length)]}${next(4) || ''}`).reduce(
      (line, word) => `${line}${blanks[next(blanks.length)]}${word}`,
      '',
    ),
  ).join('\n')
}

it('counts the words of a folder, the same however the work is divided', async () => {
  const folder = await temporaryFolder()
  const texts = [textOf(3000, 1), textOf(500, 2), '', 'one']
  await mkdir(join(folder, 'in'))
  for (const [number, text] of texts.entries()) await writeFile(join(folder, 'in', `${number}.txt`), text)
  const { output, files } = await runEveryWay('word-count', folder, ['--input', join(folder, 'in')])

  const counts = new Map<string, number>()
  for (const word of texts.join('\n').split(/\s+/).filter(Boolean)) {
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const expected = [...counts]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([key, value]) => ({ key, value }))
  expect(Object.keys(files)).toContain('part-r-00000/data')
  const { out } = await pixelreduce(['dump', output])
  expect(jsonLines(out).map(({ key, value }) => ({ key, value: Number(value) }))).toEqual(expected)
})
