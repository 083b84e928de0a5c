import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fixtureBytes, fixturePath, readFacts } from '../io/fixtures.js'
import { EXAMPLES } from '../pictures.js'
import { jsonLines, type Outcome, pixelreduce } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

function expectFailure(outcome: Outcome, code: number, message: RegExp): void {
  expect(outcome.stderr).toMatch(message)
  expect(outcome.stderr).not.toMatch(/^\s+at /m)
  expect(outcome.code).toBe(code)
}

describe('verify', () => {
  it('says of each part that it is sound, and exits 0', async () => {
    const { code, out } = await pixelreduce(['verify', fixturePath('map/job-hash')])
    expect(out).toBe(
      'part-r-00000  176 records  ok\npart-r-00001  174 records  ok\npart-r-00002  154 records  ok\n',
    )
    expect(code).toBe(0)
  })

  it('prints one object per file with --json', async () => {
    const facts = readFacts('map/block-zstd.json')
    const { code, out } = await pixelreduce(['verify', fixturePath('map/block-zstd'), '--json'])
    const { keyClass, valueClass, compression, codec, metadata, records, streamSha256 } = facts.data
    const header = { keyClass, valueClass, compression, codec, metadata }
    expect(jsonLines(out)).toEqual([
      {
        file: fixturePath('map/block-zstd'),
        ...header,
        records,
        indexEntries: facts.index.records,
        streamSha256,
        faults: [],
        faultCount: 0,
      },
    ])
    expect(code).toBe(0)
  })

  it('names the damaged record and exits 1', async () => {
    const { flip } = readFacts('map/flipped.json')
    const { code, out } = await pixelreduce(['verify', fixturePath('map/flipped')])
    expect(out).toMatch(/60 records {2}1 fault\n/)
    expect(out).toContain(`crc: record "${flip.key}": `)
    expect(code).toBe(1)
  })

  it('finds an output of our own sound, with its quarantine', async () => {
    const folder = await temporaryFolder()
    const packed = join(folder, 'packed')
    expect((await pixelreduce(['pack', EXAMPLES, packed])).code).toBe(0)
    const { code, out } = await pixelreduce(['verify', packed])
    expect(out).toMatch(/^part-m-00000 {2}\d+ records {2}ok\n$/)
    expect(code).toBe(0)
    await rm(join(packed, 'part-m-00000'), { recursive: true })
    const missing = await pixelreduce(['verify', packed])
    expect(missing.out).toMatch(/missing: There is no .*part-m-00000/)
    expect(missing.code).toBe(1)
  })
})

describe('dump', () => {
  it('shows typed records, and stops after --head', async () => {
    const facts = readFacts('seq/vint-vlong-record.json')
    const { code, out } = await pixelreduce(['dump', fixturePath('seq/vint-vlong-record.seq'), '--head', '3'])
    expect(jsonLines(out).map(({ key, value }) => [key, value])).toEqual(facts.entries.slice(0, 3))
    expect(code).toBe(0)
  })

  it('shows the records of a split', async () => {
    const { splitTables } = readFacts('split/block.json')
    const { start, len, count } = splitTables.at(-1).splits.at(1)
    const range = ['--start', String(start), '--length', String(len), '--digest']
    const { out } = await pixelreduce(['dump', fixturePath('split/block.seq'), ...range])
    expect(jsonLines(out)).toHaveLength(count)
  })

  it('shows what comes before the damage, and exits 1', async () => {
    const outcome = await pixelreduce(['dump', fixturePath('map/truncated'), '--digest'])
    expect(jsonLines(outcome.out)).toHaveLength(49)
    expectFailure(outcome, 1, /Cannot read the record at 19629 of .*the file ends at 19714/)
  })
})

describe('get', () => {
  it('tells the closest key, and its value', async () => {
    const facts = readFacts('map/int-keys.json')
    const probe = facts.probes.find(
      (each: { found: boolean; closest: unknown }) => !each.found && each.closest,
    )
    const args = ['get', fixturePath('map/int-keys'), '--closest', 'after']
    const { code, out, stderr } = await pixelreduce([...args, '--', String(probe.key)])
    expect([Number(stderr), Number(out)]).toEqual(probe.closest)
    expect(code).toBe(0)
    const json = await pixelreduce([...args, '--json', '--', String(probe.key)])
    expect(jsonLines(json.out)).toEqual([
      {
        key: probe.closest[0],
        bytes: out.length,
        part: 'int-keys',
        position: expect.any(Number),
      },
    ])
  })

  it('says in which part a key would lie', async () => {
    const { lookups } = readFacts('map/job-hash.json')
    for (const { key, part } of lookups.slice(0, 2)) {
      const { out } = await pixelreduce(['get', fixturePath('map/job-hash'), key, '--part-only'])
      expect(out).toBe(`${part}\n`)
    }
  })

  it('refuses bytes that their sidecar tells to be damaged', async () => {
    const { flip } = readFacts('map/flipped.json')
    const outcome = await pixelreduce(['get', fixturePath('map/flipped'), flip.key])
    expectFailure(outcome, 1, /the checksum of the 512 bytes at 32256 is/)
  })
})

describe('fix', () => {
  it('rebuilds an index, so that keys are found again', async () => {
    const path = join(await temporaryFolder(), 'm')
    await cp(fixturePath('map/no-index-none'), path, { recursive: true })
    const [key, value] = readFacts('map/no-index-none.json').entries[7]
    expectFailure(await pixelreduce(['get', path, key]), 1, /it has no index; run "pixelreduce fix"/)
    const { code, out } = await pixelreduce(['fix', path])
    expect(out).toMatch(/ {2}500 records {2}\d+ index entries {2}0 bytes skipped\n/)
    expect(code).toBe(0)
    expect((await pixelreduce(['get', path, key])).out).toBe(value)
  })

  it('exits 3 when bytes could not be read, with --dry-run too', async () => {
    const { code, out } = await pixelreduce(['fix', fixturePath('map/truncated'), '--dry-run', '--json'])
    expect(jsonLines(out)).toMatchObject([{ records: 49, skippedBytes: 85, quarantine: null }])
    expect(code).toBe(3)
  })
})

describe('what is no file of ours', () => {
  it('gets one clear message', async () => {
    const folder = await temporaryFolder()
    const at = (name: string) => join(folder, name)
    const version = Buffer.from(fixtureBytes('cut/none.seq'))
    version[3] = 9
    await writeFile(at('version.seq'), version)
    await writeFile(at('empty'), '')
    await writeFile(at('text'), 'this is a text')
    expectFailure(await pixelreduce(['dump', at('none')]), 2, /there is no such file or folder/)
    expectFailure(await pixelreduce(['verify', at('none')]), 2, /there is no such file or folder/)
    expectFailure(await pixelreduce(['dump', folder]), 1, /it is no MapFile, SequenceFile or job output/)
    expectFailure(await pixelreduce(['verify', folder]), 1, /it is no MapFile, SequenceFile or job output/)
    expectFailure(await pixelreduce(['dump', at('text')]), 1, /does not begin with "SEQ"/)
    expectFailure(await pixelreduce(['dump', at('empty')]), 1, /empty: .*ends/)
    expectFailure(await pixelreduce(['dump', at('version.seq')]), 1, /version is 9; known are 4 to 6/)
    expectFailure(await pixelreduce(['dump', at('text'), '--head', 'x']), 2, /It takes a whole number/)
    expectFailure(await pixelreduce(['get', fixturePath('map/int-keys'), 'x']), 2, /the keys are IntWritable/)
    expectFailure(await pixelreduce(['fix', at('text')]), 2, /it is a file and no MapFile/)
    expect((await pixelreduce(['verify', at('empty')])).out).toMatch(/0 records {2}1 fault\n {2}truncated: /)
  })
})
