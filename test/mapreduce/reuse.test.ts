import { describe, expect, test } from 'vitest'
import { resolveUri } from '../../src/fs/resolve.js'
import type { RawRecord } from '../../src/io/sequence-file/index.js'
import { SequenceFileReader } from '../../src/io/sequence-file/index.js'
import { openMapFile } from '../../src/mapreduce/map-file-folder.js'
import { encodeKey, fixtureNames, fixturePath, readFacts, shown } from '../io/fixtures.js'

/** A copy of each record, taken while it is valid. */
async function copies(reader: {
  fill(): Promise<boolean>
  next(): RawRecord | undefined
}): Promise<[string, string][]> {
  const records: [string, string][] = []
  while (await reader.fill()) {
    for (let record = reader.next(); record; record = reader.next()) {
      records.push([Buffer.from(record.key).toString('hex'), Buffer.from(record.value).toString('hex')])
    }
  }
  return records
}

describe('memory that is used again holds the same records', () => {
  test.each(fixtureNames('seq', '.seq'))('%s', async (name) => {
    const { fs, path } = resolveUri(fixturePath(`seq/${name}.seq`))
    await using source = await fs.open(path)
    await using fresh = await SequenceFileReader.open(source)
    await using reused = await SequenceFileReader.open(source, { reuse: true })
    expect(await copies(reused)).toEqual(await copies(fresh))
  })

  test.each(
    fixtureNames('map', '.json').filter(
      (name) => !name.startsWith('no-index') && 'probes' in readFacts(`map/${name}.json`),
    ),
  )('%s, each key looked up', async (name) => {
    const { fs, path } = resolveUri(fixturePath(`map/${name}`))
    await using file = await openMapFile(fs, path, { reuse: true })
    const facts = readFacts(`map/${name}.json`)
    for (const probe of facts.probes) {
      const found = await file.reader.get(encodeKey(facts.keyClass, probe.key))
      const expected = 'firstOfThisKey' in probe ? probe.firstOfThisKey : probe.get
      expect([probe.key, found ? shown(facts.valueClass, found.value) : null]).toEqual([
        probe.key,
        expected ?? null,
      ])
    }
  })
})
