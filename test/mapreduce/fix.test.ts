import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dumpRecords } from '../../src/mapreduce/stored/dump-records.js'
import { fixStored } from '../../src/mapreduce/stored/fix.js'
import { Lookup } from '../../src/mapreduce/stored/lookup.js'
import { verify } from '../../src/mapreduce/stored/verify.js'
import { collect, fixturePath, readFacts } from '../io/fixtures.js'
import { temporaryFolder } from '../temporary-folder.js'
import { editFile, numbered, writeMapFile } from './stored-folder.js'

async function faultKinds(path: string): Promise<string[]> {
  return (await collect(verify(path))).flatMap(({ faults }) => faults.map(({ kind }) => kind))
}

describe.each(['no-index-none', 'no-index-block'])('map/%s', (name) => {
  test('gets an index by which every record is found', async () => {
    const path = join(await temporaryFolder(), 'm')
    await cp(fixturePath(`map/${name}`), path, { recursive: true })
    const facts = readFacts(`map/${name}.json`)

    const [dry] = await collect(fixStored(path, { dryRun: true }))
    expect(await readdir(path)).not.toContain('index')
    const [fixed] = await collect(fixStored(path))

    expect(fixed).toEqual(dry)
    expect(fixed).toMatchObject({ records: facts.fixReturned, skippedBytes: 0, quarantine: null })
    expect(await faultKinds(path)).toEqual([])
    await using lookup = await Lookup.open(path)
    for (const [key] of facts.entries) expect(await lookup.get(key)).toBeDefined()
  })
})

test('what can not be read is kept with its position, and the records around it are found', async () => {
  const path = join(await temporaryFolder(), 'm')
  await writeMapFile(path, numbered(40))
  const whole = await readFile(join(path, 'data'))
  // The length of k020's record.
  await editFile(join(path, 'data'), (bytes) => bytes.writeInt32BE(-2, bytes.indexOf('k020') - 9))

  const [fixed] = await collect(fixStored(path))

  expect(fixed).toMatchObject({ skippedRanges: 1, quarantine: join(path, '_quarantine') })
  expect(fixed!.records).toBeGreaterThan(30)
  const [kept, ...more] = await collect(dumpRecords(join(path, '_quarantine')))
  expect(more).toEqual([])
  const [start, end] = (kept!.key as string).split('-').map(Number) as [number, number]
  expect(end - start).toBe(fixed!.skippedBytes)
  const bytes = Buffer.from(kept!.value as string, 'base64')
  expect(bytes.subarray(-20)).toEqual(whole.subarray(end - 20, end))
  expect(new Set(await faultKinds(path))).toEqual(new Set(['format']))
  await using lookup = await Lookup.open(path)
  expect(await lookup.get('k039')).toBeDefined()
  // A second repair finds the same and replaces what the first one kept.
  const [again] = await collect(fixStored(path))
  expect({ ...again, damagedValues: undefined }).toEqual({ ...fixed, damagedValues: undefined })
  expect((await readdir(path)).sort()).toEqual(['_checksum', '_quarantine', 'data', 'index'])
})

test('a value that was damaged stays known as damaged', async () => {
  const path = join(await temporaryFolder(), 'm')
  await writeMapFile(path, numbered(10))
  await editFile(join(path, 'data'), (bytes) => bytes.write('X', bytes.indexOf('value of k004')))
  const [fixed] = await collect(fixStored(path))
  expect(fixed).toMatchObject({ records: 10, indexEntries: 10, damagedValues: 1, skippedBytes: 0 })
  expect(await faultKinds(path)).toEqual(['value'])
})

test('every part of an output is repaired, its sidecars are kept right, and checksums without use are made anew', async () => {
  const path = join(await temporaryFolder(), 'out')
  await cp(fixturePath('map/job-hash'), path, { recursive: true })
  await rm(join(path, 'part-r-00000', 'index'))
  await rm(join(path, 'part-r-00000', '.index.crc'))
  await writeFile(join(path, 'part-r-00001', '_checksum'), 'nonsense')
  await writeFile(join(path, 'part-r-00001', '.index.fix'), 'of a repair that was killed')
  const fixed = await collect(fixStored(path))
  expect(
    fixed.map(({ file, records, oldChecksumError }) => [file, records, oldChecksumError !== null]),
  ).toEqual([
    ['part-r-00000', 176, false],
    ['part-r-00001', 174, true],
    ['part-r-00002', 154, false],
  ])
  expect(await faultKinds(path)).toEqual([])
  expect((await readdir(join(path, 'part-r-00001'))).sort()).toEqual([
    '.data.crc',
    '.index.crc',
    '_checksum',
    'data',
    'index',
  ])
})

test('a SequenceFile has nothing to repair', async () => {
  await expect(collect(fixStored(fixturePath('cut/none.seq')))).rejects.toMatchObject({ code: 'USAGE' })
})
