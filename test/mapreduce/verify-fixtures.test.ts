import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FileReport } from '../../src/mapreduce/stored/verify.js'
import { verify } from '../../src/mapreduce/stored/verify.js'
import { collect, fixtureNames, fixturePath, readFacts, type SequenceFileFacts } from '../io/fixtures.js'

const sequenceFiles = ['seq', 'typed', 'cut', 'split'].flatMap((folder) =>
  fixtureNames(folder, '.seq').map((name) => `${folder}/${name}`),
)
const damaged = ['truncated', 'flipped']
const withoutIndex = ['no-index-none', 'no-index-block']
const jobs = ['job-hash', 'job-total']
const mapFiles = fixtureNames('map', '.json').filter(
  (name) => ![...damaged, ...withoutIndex, ...jobs].includes(name),
)

async function reportsOf(path: string): Promise<FileReport[]> {
  return collect(verify(fixturePath(path)))
}

async function reportOf(path: string): Promise<FileReport> {
  const [report, ...more] = await reportsOf(path)
  expect(more).toEqual([])
  return report!
}

function expected(facts: SequenceFileFacts, indexEntries: number | null): Partial<FileReport> {
  const { keyClass, valueClass, compression, codec, metadata, records, streamSha256 } = facts
  const header = { keyClass, valueClass, compression, codec: codec ?? null, metadata: metadata ?? {} }
  return { ...header, records, indexEntries, streamSha256, faults: [], faultCount: 0 }
}

describe('what Hadoop wrote is found sound', () => {
  test.each(sequenceFiles)('%s', async (name) => {
    expect(await reportOf(`${name}.seq`)).toMatchObject(expected(readFacts(`${name}.json`), null))
  })

  test.each(mapFiles)('map/%s', async (name) => {
    const facts = readFacts(`map/${name}.json`)
    expect(await reportOf(`map/${name}`)).toMatchObject(expected(facts.data, facts.index.records))
    if (existsSync(fixturePath(`map/${name}/index`))) {
      expect(await reportOf(`map/${name}/index`)).toMatchObject(expected(facts.index, null))
    }
  })

  test.each(jobs)('map/%s', async (name) => {
    const facts = readFacts(`map/${name}.json`)
    const reports = await reportsOf(`map/${name}`)
    expect(reports.map((report) => report.file)).toEqual(facts.parts.map((part: { dir: string }) => part.dir))
    for (const [i, part] of facts.parts.entries()) {
      expect(reports[i]).toMatchObject(expected(part.data, part.index.records))
    }
  })

  test.each(
    withoutIndex,
  )('map/%s, whose index is missed, and then with the one that Hadoop made', async (name) => {
    const facts = readFacts(`map/${name}.json`)
    const report = await reportOf(`map/${name}`)
    expect(report).toMatchObject({
      ...expected(facts.data, null),
      faults: [{ kind: 'missing' }],
      faultCount: 1,
    })
    expect(report.faults[0]!.message).toMatch(/index; run "pixelreduce fix"/)
    expect(await reportOf(`map/${name}-fixed`)).toMatchObject(expected(facts.data, facts.fixedIndex.records))
  })
})

test('a MapFile that was cut tells where, and which index entries lead beyond', async () => {
  const facts = readFacts('map/truncated.json')
  const { records, streamSha256 } = facts.hadoopReads
  const beyond = facts.index.entries.filter(([, position]: [string, number]) => position >= facts.cutAt)
  const report = await reportOf('map/truncated')
  expect(report).toMatchObject({ records, streamSha256, indexEntries: facts.index.records })
  expect(report.faults[0]).toMatchObject({ kind: 'truncated', message: expect.stringMatching(/19714/) })
  expect(report.faults.slice(1).map(({ kind, key }) => [kind, key])).toEqual(
    beyond.map(([key]: [string]) => ['truncated', key]),
  )
})

test('a byte that was changed is found by the sidecar, with the key of its record', async () => {
  const facts = readFacts('map/flipped.json')
  const report = await reportOf('map/flipped')
  const { records, streamSha256 } = facts.readWithoutChecksums
  expect(report).toMatchObject({ records, streamSha256, indexEntries: facts.index.records })
  expect(report.faults.every(({ kind }) => kind === 'crc')).toBe(true)
  expect(report.faults.map(({ key }) => key)).toContain(facts.flip.key)
  const { badChunks, bytesPerChecksum } = facts.checksum
  expect(report.faults[0]!.offset).toBe(badChunks[0] * bytesPerChecksum)
})
