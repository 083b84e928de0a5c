import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemorySink } from '../../src/io/byte-sink.js'
import { CrcSink } from '../../src/io/crc.js'
import { type FileReport, verify } from '../../src/mapreduce/stored/verify.js'
import { collect, fixtureBytes } from '../io/fixtures.js'
import { temporaryFolder } from '../temporary-folder.js'
import { editFile, numbered, writeMapFile } from './stored-folder.js'

async function faultsOf(folder: string): Promise<FileReport['faults']> {
  return (await collect(verify(folder))).flatMap((report) => report.faults)
}

const kinds = (faults: FileReport['faults']) => faults.map(({ kind }) => kind)

describe.each([
  ['NONE', 1],
  ['NONE', 4],
  ['RECORD', 3],
  ['BLOCK', 5],
] as const)('a MapFile with %s and an entry every %i records', (compression, indexInterval) => {
  const options = { compression, indexInterval, blockSize: 200 }

  test('is sound as it is', async () => {
    const folder = await temporaryFolder()
    await writeMapFile(join(folder, 'm'), numbered(30), options)
    expect(await faultsOf(join(folder, 'm'))).toEqual([])
  })

  test('names the value that was changed and every record that can not be read', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'm')
    await writeMapFile(path, numbered(30), options)
    await editFile(join(path, 'data'), (bytes) =>
      bytes.writeUInt8(bytes[bytes.length >> 1]! ^ 0x20, bytes.length >> 1),
    )
    const [report] = await collect(verify(path))
    expect(report!.faultCount).toBeGreaterThan(0)
    // Whatever was hit, the records behind the next sync marker are read.
    expect(report!.records).toBeGreaterThan(15)
    if (report!.records === 30) {
      expect(report!.faults[0]).toMatchObject({ kind: 'value', key: expect.stringMatching(/^k0\d\d$/) })
    }
  })

  test('misses its records when it is cut, even between two of them', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'm')
    await writeMapFile(path, numbered(30), options)
    const whole = await readFile(join(path, 'data'))
    for (let length = whole.length - 1; length > 0; length -= 37) {
      await writeFile(join(path, 'data'), whole.subarray(0, length))
      expect([length, await faultsOf(path)]).toEqual([length, expect.arrayContaining([expect.anything()])])
    }
  })
})

test('a bit flipped at any byte of data, index or checksums is found, and the walk ends', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'm')
  await writeMapFile(path, numbered(12))
  // Reserved bytes of the two headers, and sync markers that no reader needs, mean nothing.
  const harmless: string[] = []
  for (const name of ['data', 'index', '_checksum']) {
    const whole = await readFile(join(path, name))
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1 << (at % 8)
      await writeFile(join(path, name), damaged)
      if ((await faultsOf(path)).length === 0) harmless.push(`${name}:${at}`)
    }
    await writeFile(join(path, name), whole)
  }
  expect(harmless.filter((each) => each.startsWith('data'))).toEqual([])
  expect(harmless.length).toBeLessThan(20)
})

test('an index of other data is called that, and one with a wrong entry names its key', async () => {
  const folder = await temporaryFolder()
  const [one, two, three] = ['one', 'two', 'three'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeMapFile(one, numbered(20), { indexInterval: 4 })
  const others = numbered(20).map(([key, value]) => [`other-${key}`, `${value}!`] as const)
  await writeMapFile(two, others, { indexInterval: 4 })
  await writeMapFile(three, numbered(9), { indexInterval: 4 })

  await copyFile(join(two, 'index'), join(one, 'index'))
  const faults = await faultsOf(one)
  expect(kinds(faults)).toEqual(['index'])
  expect(faults[0]!.message).toMatch(/not that of .*none of its 5 entries.*pixelreduce fix/)

  await writeMapFile(one, numbered(20), { indexInterval: 4 })
  await copyFile(join(one, 'index'), join(three, 'index'))
  expect((await faultsOf(three)).map(({ kind, key }) => [kind, key])).toEqual([
    ['truncated', 'k012'],
    ['truncated', 'k016'],
  ])
})

test('keys out of order are told with their names', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'm')
  await writeMapFile(path, numbered(6))
  await editFile(join(path, 'data'), (bytes) => bytes.write('k009', bytes.indexOf('k002')))
  const faults = await faultsOf(path)
  expect(faults).toContainEqual(expect.objectContaining({ kind: 'order', key: 'k003' }))
  expect(faults).toContainEqual(expect.objectContaining({ kind: 'index', key: 'k002' }))
})

test('a part, a record or a byte that is not as _SUCCESS tells is found, in quarantine too', async () => {
  const folder = await temporaryFolder()
  const part = async (name: string, records: [string, string][]) => {
    await writeMapFile(join(folder, name), records)
    const data = await readFile(join(folder, name, 'data'))
    return {
      name: name.replace('_quarantine/', ''),
      records: records.length,
      bytes: data.length,
      firstKey: records[0]![0],
      lastKey: records.at(-1)![0],
      digest: createHash('sha256').update(data).digest('hex'),
    }
  }
  const all = numbered(30)
  const parts = [await part('part-m-00000', all.slice(0, 10)), await part('part-m-00001', all.slice(10))]
  const quarantine = [await part('_quarantine/part-m-00000', numbered(2))]
  const reasons = join(folder, '_quarantine/part-m-00000/_reasons.jsonl')
  await writeFile(reasons, '{"key": "k000"}\n{"key": "k001"}\n')
  await writeFile(join(folder, '_SUCCESS'), JSON.stringify({ format: 1, parts, quarantine }))
  expect((await collect(verify(folder))).map(({ file, faultCount }) => [file, faultCount])).toEqual([
    ['part-m-00000', 0],
    ['part-m-00001', 0],
    ['_quarantine/part-m-00000', 0],
  ])

  for (const [text, kind] of [
    ['{"key": "k000"}\n', 'success'],
    ['{"key": "k000"}\n{"key": "k0', 'truncated'],
    ['{"key": "k000"}\nno JSON\n', 'format'],
  ] as const) {
    await writeFile(reasons, text)
    expect(kinds(await faultsOf(folder))).toEqual([kind])
  }
  await rm(reasons)
  expect(kinds(await faultsOf(folder))).toEqual(['missing'])
  await writeFile(reasons, '{"key": "k000"}\n{"key": "k001"}\n')

  await writeMapFile(join(folder, 'part-m-00001'), all.slice(10, 29))
  const short = await faultsOf(folder)
  expect(kinds(short)).toEqual(['success', 'success', 'success'])
  expect(short.map(({ message }) => message).join()).toMatch(/is 19, .* tells 20.*"k028".*"k029".*SHA-256/)

  await rm(join(folder, 'part-m-00001'), { recursive: true })
  await rm(join(folder, '_quarantine'), { recursive: true })
  await writeMapFile(join(folder, 'part-m-00002'), numbered(1))
  const reports = await collect(verify(folder))
  expect(reports.map(({ file, faults }) => [file, kinds(faults)])).toEqual([
    ['part-m-00000', []],
    ['part-m-00001', ['missing']],
    ['part-m-00002', ['success']],
    ['_quarantine/part-m-00000', ['missing']],
  ])

  await writeFile(join(folder, '_SUCCESS'), '{"parts": [')
  expect(kinds(await faultsOf(folder))).toEqual(['success'])
})

test('a sidecar tells damage where nothing else does, with every key on the bad bytes', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'm')
  await writeMapFile(path, numbered(40))
  await rm(join(path, '_checksum'))
  const data = await readFile(join(path, 'data'))
  const crcs = new MemorySink()
  const sink = new CrcSink(new MemorySink(), crcs, 64)
  await sink.write(data)
  await sink.close()
  await writeFile(join(path, '.data.crc'), crcs.bytes)
  expect(await faultsOf(path)).toEqual([])

  for (const key of ['k007', 'k031']) {
    await editFile(join(path, 'data'), (bytes) => bytes.write('X', bytes.indexOf(`value of ${key}`)))
  }
  const faults = await faultsOf(path)
  expect(new Set(kinds(faults))).toEqual(new Set(['crc']))
  expect(faults.map(({ key }) => key)).toEqual(expect.arrayContaining(['k007', 'k031']))

  await writeFile(join(path, '.data.crc'), crcs.bytes.subarray(0, 20))
  expect(kinds(await faultsOf(path))).toEqual(['crc'])
})

test('more faults than are kept are counted', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'm')
  await mkdir(path)
  const records = Array.from({ length: 1500 }, (_, i): [string, string] => [String(10_000 + i), 'v'])
  await writeMapFile(path, records)
  await editFile(join(path, '_checksum'), (bytes) => bytes.fill(0, 16))
  const [report] = await collect(verify(path))
  expect(report).toMatchObject({ records: 1500, faultCount: 1500 })
  expect(report!.faults).toHaveLength(1000)
})

test.each([
  'seq/text-map-block.seq',
  'seq/null-record-zstd.seq',
  'typed/mixed-record.seq',
  'split/block.seq',
])('random damage to %s is told, never thrown', async (name) => {
  const path = join(await temporaryFolder(), 'file')
  const whole = fixtureBytes(name)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.double({ min: 0, max: 0.9999, noNaN: true }), fc.nat(255)), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (bytes, cut) => {
        const damaged = Buffer.from(whole)
        for (const [where, byte] of bytes) damaged[Math.floor(where * damaged.length)] = byte
        await writeFile(path, cut < 0.5 ? damaged : damaged.subarray(0, Math.floor(cut * damaged.length)))
        const [report, ...more] = await collect(verify(path))
        expect(more).toEqual([])
        expect(report!.faults.every(({ message }) => message.length > 0)).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})
