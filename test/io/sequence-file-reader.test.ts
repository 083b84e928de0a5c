import { describe, expect, test } from 'vitest'
import { MemorySource } from '../../src/io/byte-source.js'
import { toHex } from '../../src/io/bytes.js'
import { SequenceFileReader } from '../../src/io/sequence-file/index.js'
import { Text } from '../../src/io/writables/index.js'
import {
  ChoppedSource,
  collect,
  comparable,
  fixture,
  fixtureBytes,
  fixtureNames,
  readFacts,
  type SequenceFileFacts,
  shown,
  streamSha256,
} from './fixtures.js'

const all = ['seq', 'typed', 'cut', 'split'].flatMap((folder) =>
  fixtureNames(folder, '.seq').map((name) => `${folder}/${name}`),
)

describe('a file that Hadoop wrote', () => {
  test.each(all)('%s has the header and the records that Hadoop read back', async (name) => {
    const facts = readFacts<SequenceFileFacts>(`${name}.json`)
    const reader = await SequenceFileReader.open(fixture(`${name}.seq`))
    const { header } = reader
    expect(header).toMatchObject({
      version: 6,
      keyClass: facts.keyClass,
      valueClass: facts.valueClass,
      compression: facts.compression,
      codec: facts.codec ?? undefined,
    })
    expect(Object.fromEntries(header.metadata)).toEqual(facts.metadata)
    expect(toHex(header.syncMarker)).toBe(facts.syncMarker)

    const records = await collect(reader)
    expect(records.length).toBe(facts.records)
    expect(streamSha256(records)).toBe(facts.streamSha256)
    if (facts.entries) {
      const found = records.map((r) => [shown(header.keyClass, r.key), shown(header.valueClass, r.value)])
      expect(comparable(found)).toEqual(comparable(facts.entries))
    } else {
      expect(records.map((r) => [toHex(r.key), toHex(r.value)])).toEqual(facts.rawEntriesHex)
    }
  })

  test.each(all)('%s reads the same in pieces of any size', async (name) => {
    const facts = readFacts<SequenceFileFacts>(`${name}.json`)
    const bytes = fixtureBytes(`${name}.seq`)
    for (const sizes of [
      [1, 2, 3, 5, 7, 11, 13],
      [4096, 1],
      [300, 17, 65_536],
    ]) {
      if (bytes.length > 20_000 && sizes[0] === 1) continue
      const records = await collect(await SequenceFileReader.open(new ChoppedSource(bytes, sizes)))
      expect(streamSha256(records)).toBe(facts.streamSha256)
    }
  })
})

describe('splits', () => {
  test.each(
    fixtureNames('split', '.json'),
  )('%s gives each split the records that Hadoop gives it', async (name) => {
    const facts = readFacts(`split/${name}.json`)
    const source = fixture(`split/${name}.seq`)
    for (const table of facts.splitTables) {
      for (const { start, len, firstKey, count } of table.splits) {
        const reader = await SequenceFileReader.open(source, {
          start,
          end: start + len,
          readAheadBytes: 1000,
        })
        const records = await collect(reader)
        expect([table.how, start, records.length]).toEqual([table.how, start, count])
        expect(records[0] ? Text.decode(records[0].key) : null).toBe(firstKey)
      }
    }
  })

  test.each(fixtureNames('split', '.json'))('%s is synchronized where Hadoop does it', async (name) => {
    const facts = readFacts(`split/${name}.json`)
    const reader = await SequenceFileReader.open(fixture(`split/${name}.seq`))
    expect(reader.headerLength).toBe(facts.headerEnd)
    for (const { sync, position, nextKey } of facts.syncTable) {
      await reader.sync(sync)
      expect([sync, reader.position()]).toEqual([sync, position])
      const record = (await reader.fill()) ? reader.next() : undefined
      expect(record ? Text.decode(record.key) : null).toBe(nextKey)
    }
  })

  test('a record can be sought by the position that it was read at', async () => {
    for (const name of ['none', 'record', 'block']) {
      const source = fixture(`split/${name}.seq`)
      const records = await collect(await SequenceFileReader.open(source))
      const reader = await SequenceFileReader.open(source)
      for (const { position } of [...records].reverse()) {
        await reader.seek(position)
        await reader.fill()
        const first = records.find((record) => record.position === position)!
        expect(reader.next()?.key).toEqual(first.key)
      }
    }
  })
})

describe('a file that was cut short', () => {
  test.each([
    'none',
    'record',
    'block',
  ])('%s gives the whole records before the cut and then an error', async (name) => {
    const facts = readFacts(`cut/${name}.json`)
    const bytes = fixtureBytes(`cut/${name}.seq`)
    const whole = await collect(await SequenceFileReader.open(new MemorySource(bytes)))
    const ends = new Set([...whole.map((record) => record.position), bytes.length])
    for (const { length, records, error } of facts.cuts) {
      const found: unknown[] = []
      let failure: unknown
      try {
        const source = new MemorySource(bytes.subarray(0, length), 'cut')
        for await (const record of await SequenceFileReader.open(source)) found.push(record.key)
      } catch (thrown) {
        failure = thrown
      }
      if (length < (whole[0]?.position ?? 0))
        expect(failure).toMatchObject({ code: 'TRUNCATED', details: { file: 'cut' } })
      else {
        // With BLOCK Hadoop reads keys of a block whose values are cut; a block counts whole or not at all here.
        if (name === 'block') expect(found.length).toBeLessThanOrEqual(records)
        else expect([length, found.length]).toEqual([length, records])
        if (error !== null) expect([length, failure]).toMatchObject([length, { code: 'TRUNCATED' }])
        if (failure === undefined) expect(ends.has(length) || name !== 'block').toBe(true)
      }
    }
  })
})
