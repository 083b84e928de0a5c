import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Lookup } from '../../src/mapreduce/stored/lookup.js'
import { fixtureNames, fixturePath, readFacts, shown } from '../io/fixtures.js'
import { temporaryFolder } from '../temporary-folder.js'
import { numbered, writeMapFile } from './stored-folder.js'

describe.each(['job-hash', 'job-total'])("Hadoop's own %s", (name) => {
  test('gives every lookup what Hadoop gives, from the part that Hadoop looks in', async () => {
    await using lookup = await Lookup.open(fixturePath(`map/${name}`))
    const facts = readFacts(`map/${name}.json`)
    for (const { key, found, value, part } of facts.lookups) {
      const record = await lookup.get(key)
      expect([key, record && shown(record.valueClass, record.value)]).toEqual([
        key,
        found ? value : undefined,
      ])
      if (found) expect([key, record!.part]).toEqual([key, part])
      if (found || name === 'job-hash') expect([key, await lookup.partsFor(key)]).toEqual([key, [part]])
    }
  })

  test('gives the closest key over all parts', async () => {
    await using lookup = await Lookup.open(fixturePath(`map/${name}`))
    const facts = readFacts(`map/${name}.json`)
    const keys: Buffer[] = facts.parts.flatMap((part: { entries: [string, string][] }) =>
      part.entries.map(([key]) => Buffer.from(key)),
    )
    keys.sort(Buffer.compare)
    for (const probe of ['Video_3', 'Video_5154-frame394.jpeg', 'Video_9999', 'A']) {
      const bytes = Buffer.from(probe)
      const after = keys.find((key) => Buffer.compare(key, bytes) >= 0)
      const before = keys.findLast((key) => Buffer.compare(key, bytes) <= 0)
      for (const [side, key] of [
        ['after', after],
        ['before', before],
      ] as const) {
        const record = await lookup.closest(probe, side)
        expect(record && shown(record.keyClass, record.key)).toBe(key?.toString())
      }
    }
  })
})

const whole = fixtureNames('map', '.json').filter(
  (name) => 'probes' in readFacts(`map/${name}.json`) && !name.startsWith('no-index') && name !== 'flipped',
)

test.each(whole)('map/%s answers probes whose keys are given as text', async (name) => {
  const facts = readFacts(`map/${name}.json`)
  await using lookup = await Lookup.open(fixturePath(`map/${name}`))
  for (const probe of facts.probes) {
    const { hex } = Object(probe.key)
    if (typeof probe.key === 'object' && hex === undefined) continue
    const text = hex === undefined ? String(probe.key) : Buffer.from(hex, 'hex').toString('base64')
    const expected =
      'closestBeforeByPlainSearch' in probe ? probe.closestBeforeByPlainSearch : probe.closestBefore
    const record = await lookup.closest(text, 'before')
    const pair = record ? [shown(record.keyClass, record.key), shown(record.valueClass, record.value)] : null
    expect([text, pair]).toEqual([text, expected])
    expect([text, (await lookup.get(text)) !== undefined]).toEqual([text, probe.found])
  }
})

test('a SequenceFile is searched through', async () => {
  const facts = readFacts('seq/long-text-none.json')
  await using lookup = await Lookup.open(fixturePath('seq/long-text-none.seq'))
  const [key, value] = facts.entries[3]
  const record = await lookup.get(key)
  expect(shown(record!.valueClass, record!.value)).toBe(value)
  const sorted = facts.entries
    .map(([each]: [string]) => BigInt(each))
    .sort((a: bigint, b: bigint) => (a < b ? -1 : 1))
  const lowest = await lookup.closest('-9223372036854775808', 'after')
  expect(shown(lowest!.keyClass, lowest!.key)).toBe(String(sorted[0]))
})

test('by _SUCCESS only the part is opened that can have the key', async () => {
  const folder = await temporaryFolder()
  const all = numbered(20)
  await writeMapFile(join(folder, 'part-m-00000'), all.slice(0, 10))
  await cp(fixturePath('cut/none.json'), join(folder, 'part-m-00001'))
  const range = (name: string, firstKey: string, lastKey: string) => ({
    name,
    records: 10,
    firstKey,
    lastKey,
  })
  const parts = [range('part-m-00000', 'k000', 'k009'), range('part-m-00001', 'k020', 'k029')]
  await writeFile(join(folder, '_SUCCESS'), JSON.stringify({ parts }))
  await using lookup = await Lookup.open(folder)
  expect((await lookup.get('k003'))?.part).toBe('part-m-00000')
  expect(await lookup.get('k015')).toBeUndefined()
  expect(await lookup.partsFor('k015')).toEqual(['part-m-00000'])
  expect(await lookup.partsFor('k020')).toEqual(['part-m-00001'])
  expect(await lookup.partsFor('a')).toEqual(['part-m-00000'])
  expect(shown('org.apache.hadoop.io.Text', (await lookup.closest('k0035', 'after'))!.key)).toBe('k004')
})

test('an output that misses a part is refused rather than searched in what is left', async () => {
  const folder = await temporaryFolder()
  await writeMapFile(join(folder, 'part-m-00000'), numbered(2))
  await writeFile(join(folder, '_SUCCESS'), JSON.stringify({ parts: [{ name: 'part-m-00007' }] }))
  await expect(Lookup.open(folder)).rejects.toThrow(/names part-m-00007, which is not there/)
})

test.each([
  ['int-keys', '12.5'],
  ['long-keys', 'x'],
  ['long-keys', '9223372036854775808'],
  ['bytes-keys', '%%'],
])('map/%s refuses the key %s', async (name, key) => {
  await using lookup = await Lookup.open(fixturePath(`map/${name}`))
  await expect(lookup.get(key)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/the keys are/),
  })
})
