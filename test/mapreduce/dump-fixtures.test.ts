import { describe, expect, test } from 'vitest'
import { dumpRecords } from '../../src/mapreduce/stored/dump-records.js'
import { collect, comparable, fixtureNames, fixturePath, readFacts } from '../io/fixtures.js'

const all = ['seq', 'typed', 'cut', 'split'].flatMap((folder) =>
  fixtureNames(folder, '.seq').map((name) => `${folder}/${name}`),
)

/** The fixtures show short bytes in full as well; `dump --digest` does not. */
function withoutHex(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutHex)
  if (typeof json !== 'object' || json === null) return json
  const { hex, ...rest } = json as Record<string, unknown>
  if ('sha256' in rest && !('value' in rest)) return rest
  const entries = Object.entries(hex === undefined ? rest : { ...rest, hex })
  return Object.fromEntries(entries.map(([name, value]) => [name, withoutHex(value)]))
}

test.each(
  all.filter((name) => readFacts(`${name}.json`).entries),
)('%s is shown as Hadoop reads it', async (name) => {
  const facts = readFacts(`${name}.json`)
  const records = await collect(dumpRecords(fixturePath(`${name}.seq`), { digest: true }))
  const found = records.map(({ key, value }) => [key, value])
  expect(comparable(withoutHex(found))).toEqual(comparable(withoutHex(facts.entries)))
})

test('bytes are base64, those of a class that is not known too', async () => {
  const facts = readFacts('seq/unknown-class-none.json')
  const records = await collect(dumpRecords(fixturePath('seq/unknown-class-none.seq')))
  expect(records.map(({ key, value }) => [key, value])).toEqual(
    facts.rawEntriesHex.map((pair: string[]) =>
      pair.map((hex) => Buffer.from(hex, 'hex').toString('base64')),
    ),
  )
  const [first] = await collect(dumpRecords(fixturePath('seq/edge-bytes-none.seq')))
  expect(typeof first!.key === 'string' && typeof first!.value === 'string').toBe(true)
})

test('a job output is shown part after part', async () => {
  const facts = readFacts('map/job-total.json')
  const records = await collect(dumpRecords(fixturePath('map/job-total')))
  const expected = facts.parts.flatMap((part: { entries: [string, string][] }) => part.entries)
  expect(records.map(({ key, value }) => [key, value])).toEqual(expected)
  await expect(collect(dumpRecords(fixturePath('map/job-total'), { start: 0 }))).rejects.toMatchObject({
    code: 'USAGE',
  })
})

describe.each(fixtureNames('split', '.json'))('a byte range of split/%s', (name) => {
  test('holds exactly the records of such a split', async () => {
    const { splitTables } = readFacts(`split/${name}.json`)
    for (const { splits } of splitTables) {
      for (const { start, len, firstKey, count } of splits) {
        const records = await collect(dumpRecords(fixturePath(`split/${name}.seq`), { start, length: len }))
        expect([start, records.length, records[0]?.key ?? null]).toEqual([start, count, firstKey])
      }
    }
  })
})
