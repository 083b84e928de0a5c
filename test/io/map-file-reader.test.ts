import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MapFileReader, type MapFileSources } from '../../src/io/map-file/index.js'
import type { RawRecord } from '../../src/io/sequence-file/index.js'
import {
  collect,
  encodeKey,
  fixture,
  fixtureNames,
  fixturePath,
  readFacts,
  shown,
  streamSha256,
} from './fixtures.js'

const withoutIndex = ['no-index-none', 'no-index-block']
const jobs = ['job-hash', 'job-total']
const whole = fixtureNames('map', '.json').filter(
  (name) =>
    !withoutIndex.includes(name) && !jobs.includes(name) && name !== 'truncated' && name !== 'flipped',
)

function mapFile(path: string): MapFileSources {
  return {
    data: fixture(`${path}/data`),
    ...(existsSync(fixturePath(`${path}/index`)) ? { index: fixture(`${path}/index`) } : {}),
  }
}

function pair(facts: { keyClass: string; valueClass: string }, record: RawRecord | undefined): unknown {
  return record ? [shown(facts.keyClass, record.key), shown(facts.valueClass, record.value)] : null
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is told in the README of the fixtures
async function expectAnswers(path: string, facts: any): Promise<void> {
  const reader = await MapFileReader.open(mapFile(path))
  for (const probe of facts.probes) {
    const key = encodeKey(facts.keyClass, probe.key)
    const get = 'firstOfThisKey' in probe ? probe.firstOfThisKey : probe.get
    const closest = 'closestByPlainSearch' in probe ? probe.closestByPlainSearch : probe.closest
    const before =
      'closestBeforeByPlainSearch' in probe ? probe.closestBeforeByPlainSearch : probe.closestBefore
    const found = await reader.get(key)
    expect([probe.key, found !== undefined]).toEqual([probe.key, probe.found])
    if (found) expect([probe.key, shown(facts.valueClass, found.value)]).toEqual([probe.key, get])
    expect([probe.key, pair(facts, await reader.getClosest(key))]).toEqual([probe.key, closest])
    expect([probe.key, pair(facts, await reader.getClosest(key, { before: true }))]).toEqual([
      probe.key,
      before,
    ])

    expect(await reader.seek(key)).toBe(probe.found)
    expect(pair(facts, await reader.next())).toEqual(closest)
  }
}

describe('a MapFile that Hadoop wrote', () => {
  test.each(whole)('%s answers every probe as a search of its records would', async (name) => {
    await expectAnswers(`map/${name}`, readFacts(`map/${name}.json`))
  })

  test.each(
    whole,
  )('%s has the index, the middle key, the last key and the records that Hadoop tells', async (name) => {
    const facts = readFacts(`map/${name}.json`)
    const reader = await MapFileReader.open(mapFile(`map/${name}`))
    const index = await reader.index()
    const entries = Array.from({ length: index.count }, (_, i) => [
      shown(facts.keyClass, index.key(i)),
      index.position(i),
    ])
    expect(entries).toEqual(facts.index.entries)
    const middle = await reader.midKey()
    expect(middle ? shown(facts.keyClass, middle) : null).toEqual(facts.midKey)
    const last = await reader.finalKey()
    expect(last ? shown(facts.keyClass, last) : null).toEqual(facts.finalKey)
    expect(streamSha256(await collect(reader.entries()))).toBe(facts.streamSha256)
  })

  test.each(withoutIndex)('%s has no index: the error says what to run', async (name) => {
    const reader = await MapFileReader.open(mapFile(`map/${name}`))
    await expect(reader.midKey()).rejects.toThrow(/no index; run "pixelreduce fix"/)
    const facts = readFacts(`map/${name}.json`)
    expect(streamSha256(await collect(reader.entries()))).toBe(facts.streamSha256)
    await expectAnswers(`map/${name}-fixed`, facts)
  })

  test.each(jobs)('%s finds in each part what Hadoop finds', async (name) => {
    const facts = readFacts(`map/${name}.json`)
    for (const { part, key, found, value } of facts.lookups) {
      const reader = await MapFileReader.open(mapFile(`map/${name}/${part}`))
      const record = await reader.get(encodeKey('org.apache.hadoop.io.Text', key))
      expect([key, record !== undefined]).toEqual([key, found])
      if (record) expect(shown(reader.header.valueClass, record.value)).toEqual(value)
    }
  })
})
