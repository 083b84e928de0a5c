import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemorySink } from '../../src/io/byte-sink.js'
import { MemorySource } from '../../src/io/byte-source.js'
import { CrcSink, crcFileName, withCrc } from '../../src/io/crc.js'
import { SequenceFileReader } from '../../src/io/sequence-file/index.js'
import { Text } from '../../src/io/writables/index.js'
import { ChoppedSource, collect, fixture, fixtureNames, readFacts } from './fixtures.js'

async function written(bytes: Uint8Array, sizes: readonly number[], bytesPerCrc?: number) {
  const data = new MemorySink('data')
  const crc = new MemorySink('.data.crc')
  const sink = new CrcSink(data, crc, bytesPerCrc)
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    await sink.write(bytes.subarray(at, at + size))
    at += size
  }
  await sink.close()
  return { data: data.bytes, crc: new MemorySource(crc.bytes, '.data.crc') }
}

describe('the sidecars that Hadoop wrote', () => {
  test.each(
    fixtureNames('map', '.json').filter(
      (name) => !name.startsWith('job-') && !['truncated', 'flipped'].includes(name),
    ),
  )('%s agrees, and is written again byte by byte', async (name) => {
    const data = fixture(`map/${name}/data`)
    const crc = fixture(`map/${name}/${crcFileName('data')}`)
    const source = await withCrc(new ChoppedSource(data.bytes, [1000, 511, 1]), crc)
    expect(Buffer.compare(Buffer.concat(await collect(source.stream(0))), data.bytes)).toBe(0)
    expect(Buffer.compare((await written(data.bytes, [100, 700, 3])).crc.bytes, crc.bytes)).toBe(0)
  })

  test('tell the byte that was changed by its chunk, and let every record before it pass', async () => {
    const { flip, checksum } = readFacts('map/flipped.json')
    const crc = fixture('map/flipped/.data.crc')
    const source = await withCrc(fixture('map/flipped/data'), crc)
    const [bad] = checksum.badChunks
    const wrong = {
      code: 'CHECKSUM',
      details: { file: 'map/flipped/data', offset: bad * checksum.bytesPerChecksum },
    }
    await expect(source.read(flip.offset, flip.offset + 1)).rejects.toMatchObject(wrong)
    expect((await source.read(0, bad * checksum.bytesPerChecksum)).length).toBe(
      bad * checksum.bytesPerChecksum,
    )
    const keys: string[] = []
    const reader = await SequenceFileReader.open(
      await withCrc(new ChoppedSource(fixture('map/flipped/data').bytes, [900], 'map/flipped/data'), crc),
    )
    const reading = (async () => {
      for await (const record of reader) keys.push(Text.decode(record.key))
    })()
    await expect(reading).rejects.toMatchObject(wrong)
    expect(keys.length).toBe(flip.record)
  })

  test('that are too short for the file are refused', async () => {
    await expect(withCrc(fixture('map/truncated/data'), fixture('map/flipped/.data.crc'))).rejects.toThrow(
      /instead of/,
    )
    await expect(withCrc(fixture('map/flipped/data'), fixture('map/flipped/data'))).rejects.toThrow(
      /no checksum file/,
    )
  })
})

test('any range of any file comes out whole, in pieces of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 50 }),
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      async (bytes, sizes, bytesPerCrc, range) => {
        const { data, crc } = await written(bytes, sizes, bytesPerCrc)
        const source = await withCrc(new ChoppedSource(data, sizes), crc)
        const [start, end] = range.map((part) => Math.round(part * bytes.length)).sort((a, b) => a - b) as [
          number,
          number,
        ]
        const expected = Buffer.from(bytes.subarray(start, end))
        expect(Buffer.concat(await collect(source.stream(start, end)))).toEqual(expected)
        expect(Buffer.from(await source.read(start, end))).toEqual(expected)
      },
    ),
    { numRuns: 300 },
  )
})
