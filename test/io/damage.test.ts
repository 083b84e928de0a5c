import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemorySink } from '../../src/io/byte-sink.js'
import { MemorySource } from '../../src/io/byte-source.js'
import { toHex } from '../../src/io/bytes.js'
import { MapFileReader } from '../../src/io/map-file/index.js'
import { createSequenceFileWriter, SequenceFileReader } from '../../src/io/sequence-file/index.js'
import { Text } from '../../src/io/writables/index.js'
import { ChoppedSource, collect, fixture, fixtureBytes } from './fixtures.js'

const small = [
  'cut/none',
  'cut/record',
  'cut/block',
  'typed/mixed-none',
  'seq/null-block-snappy',
  'seq/null-record-lz4',
  'seq/null-block-zstd',
  'seq/null-record-bzip2',
]
const OURS = /FORMAT|TRUNCATED|CHECKSUM|UNSUPPORTED/

/** Reads what can be read, going on behind what can't. Ends, whatever the bytes are. */
async function readAll(source: MemorySource): Promise<{ records: string[]; errors: number }> {
  const records: string[] = []
  let errors = 0
  try {
    const reader = await SequenceFileReader.open(source)
    for (;;) {
      try {
        if (!(await reader.fill())) break
        for (let r = reader.next(); r; r = reader.next()) records.push(`${toHex(r.key)} ${toHex(r.value)}`)
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(OURS), details: { file: source.name } })
        errors++
        await reader.sync(reader.position() + 1)
      }
    }
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(OURS) })
    errors++
  }
  return { records, errors }
}

describe.each(small)('%s', (name) => {
  const bytes = fixtureBytes(`${name}.seq`)

  test('cut at any byte gives the records before the cut, unchanged, and an error unless it is between records', async () => {
    const whole = await readAll(new MemorySource(bytes, name))
    const headerLength = (await SequenceFileReader.open(new MemorySource(bytes))).headerLength
    for (let length = 0; length < bytes.length; length += length < headerLength + 300 ? 1 : 7) {
      const { records, errors } = await readAll(new ChoppedSource(bytes.subarray(0, length), [97], name))
      expect(records).toEqual(whole.records.slice(0, records.length))
      if (length < headerLength) expect(errors).toBe(1)
    }
  })

  test('with any bit turned ends, with records or with errors that name the file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const damaged = Buffer.from(bytes)
        damaged[at]! ^= 1 << bit
        const { records } = await readAll(new ChoppedSource(damaged, [200, 3], name))
        expect(records.length).toBeLessThan(1000)
      }),
      { numRuns: 200 },
    )
  })
})

test('a record that states more bytes than the file has is refused before any memory is taken', async () => {
  const bytes = Buffer.from(fixtureBytes('cut/none.seq'))
  const { headerLength } = await SequenceFileReader.open(new MemorySource(bytes))
  bytes.writeInt32BE(0x7fffffff, headerLength)
  const before = process.memoryUsage().arrayBuffers
  const reader = await SequenceFileReader.open(new MemorySource(bytes, 'absurd'))
  await expect(collect(reader)).rejects.toMatchObject({
    code: 'TRUNCATED',
    details: { file: 'absurd', offset: headerLength },
  })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
})

test('a source that ends earlier than it said is an error', async () => {
  const bytes = fixtureBytes('cut/none.seq')
  class Short extends MemorySource {
    override async *stream(start: number): AsyncIterable<Uint8Array> {
      yield this.bytes.subarray(start, 3000)
    }
  }
  const reader = await SequenceFileReader.open(new Short(bytes, 'short'))
  await expect(collect(reader)).rejects.toMatchObject({ code: 'TRUNCATED', details: { file: 'short' } })
})

test('other files are told from SequenceFiles, and other versions are refused', async () => {
  await expect(SequenceFileReader.open(new MemorySource(Buffer.from('JFIF is a picture')))).rejects.toThrow(
    /no SequenceFile/,
  )
  const bytes = Buffer.from(fixtureBytes('cut/none.seq'))
  bytes[3] = 7
  await expect(SequenceFileReader.open(new MemorySource(bytes))).rejects.toMatchObject({
    code: 'UNSUPPORTED',
  })
})

describe.each(['none-128', 'block-default', 'photos'])('MapFile %s', (name) => {
  test('with damage anywhere answers a lookup or says what is wrong', async () => {
    const data = fixtureBytes(`map/${name}/data`)
    const index = fixtureBytes(`map/${name}/index`)
    const keys = (await collect(await SequenceFileReader.open(fixture(`map/${name}/data`)))).map((r) => r.key)
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.double({ min: 0, max: 0.999 }),
        fc.nat(7),
        fc.nat(),
        async (inIndex, where, bit, pick) => {
          const damaged = [Buffer.from(data), Buffer.from(index)] as const
          const target = damaged[inIndex ? 1 : 0]
          target[Math.floor(where * target.length)]! ^= 1 << bit
          try {
            const reader = await MapFileReader.open({
              data: new MemorySource(damaged[0]),
              index: new MemorySource(damaged[1]),
            })
            await reader.get(keys[pick % keys.length]!)
            await reader.getClosest(Text.encode('Video_5'), { before: true })
            await reader.finalKey()
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(OURS) })
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})

test('random splits of random files give each record once, in order', async () => {
  const options = {
    keyClass: Text.className,
    valueClass: Text.className,
    syncMarker: Buffer.alloc(16, 'sync-marker-here'),
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(200), { maxLength: 60 }),
      fc.constantFrom('NONE', 'RECORD', 'BLOCK'),
      fc.integer({ min: 1, max: 900 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
      async (lengths, compression, distance, cuts) => {
        const sink = new MemorySink()
        const writer = await createSequenceFileWriter(sink, {
          ...options,
          compression: compression as 'NONE',
          syncInterval: distance,
          blockSize: distance,
        })
        for (const [i, length] of lengths.entries())
          await writer.append(Text.encode(`k${i}`), Text.encode('v'.repeat(length)))
        await writer.close()
        const source = new ChoppedSource(sink.bytes, [64, 5])
        const edges = [
          0,
          ...cuts.map((cut) => Math.floor(cut * source.length)).sort((a, b) => a - b),
          source.length,
        ]
        const keys: string[] = []
        for (let i = 1; i < edges.length; i++) {
          const reader = await SequenceFileReader.open(source, {
            start: edges[i - 1],
            end: edges[i],
            readAheadBytes: 50,
          })
          for (const record of await collect(reader)) keys.push(Text.decode(record.key))
        }
        expect(keys).toEqual(lengths.map((_, i) => `k${i}`))
      },
    ),
    { numRuns: 150 },
  )
})
