import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemorySink } from '../../src/io/byte-sink.js'
import { codecNames, loadCodec, loadWritingCodec } from '../../src/io/codecs/index.js'
import { importOptional } from '../../src/io/codecs/optional-package.js'
import { createSequenceFileWriter, SequenceFileReader } from '../../src/io/sequence-file/index.js'
import { BytesWritable, Text } from '../../src/io/writables/index.js'
import { ChoppedSource, collect } from './fixtures.js'

const writing = codecNames.filter((name) => name !== 'bzip2')
const syncMarker = Uint8Array.from({ length: 16 }, (_, i) => 255 - i)
const BUFFER_BYTES = 256 * 1024

describe.each(writing)('codec %s', (name) => {
  test('gives back what went in, also nothing and more than a buffer', async () => {
    const codec = await loadWritingCodec(name)
    const noise = Buffer.alloc(3 * BUFFER_BYTES)
    for (let i = 0, x = 1; i < noise.length; i++) {
      x = (Math.imul(x, 1103515245) + 12345) | 0
      noise[i] = x >>> 16
    }
    for (const size of [0, 1, 100, BUFFER_BYTES - 1, BUFFER_BYTES, 3 * BUFFER_BYTES]) {
      for (const bytes of [noise.subarray(0, size), Buffer.alloc(size, 7)]) {
        const compressed = codec.compress(bytes)
        expect(Buffer.compare(codec.decompress(compressed, size), bytes)).toBe(0)
        expect(Buffer.compare(codec.decompress(compressed, 0x7fffffff), bytes)).toBe(0)
      }
    }
  })

  test('stops at the limit', async () => {
    const codec = await loadWritingCodec(name)
    const bomb = codec.compress(Buffer.alloc(30_000_000))
    expect(() => codec.decompress(bomb, 1000)).toThrow(expect.objectContaining({ code: 'FORMAT' }))
  })

  test('meets damaged bytes with an error or with bytes, and with little memory', async () => {
    const codec = await loadWritingCodec(name)
    const compressed = codec.compress(Buffer.from('a picture, a picture, another picture. '.repeat(40)))
    fc.assert(
      fc.property(fc.nat(compressed.length - 1), fc.nat(7), fc.nat(compressed.length), (at, bit, length) => {
        const damaged = Buffer.from(compressed)
        damaged[at]! ^= 1 << bit
        for (const bytes of [damaged, compressed.subarray(0, length)]) {
          try {
            expect(codec.decompress(bytes, 10_000).length).toBeLessThanOrEqual(10_000)
          } catch (error) {
            expect(error).toMatchObject({ code: 'FORMAT' })
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    'RECORD',
    'BLOCK',
  ] as const)('any records come back from a file with %s', async (compression) => {
    const record = fc.tuple(fc.string({ maxLength: 12 }), fc.uint8Array({ maxLength: 300 }))
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 3000 }),
        async (records, sizes, distance) => {
          const sink = new MemorySink()
          const options = { keyClass: Text.className, valueClass: BytesWritable.className, syncMarker }
          const more = { compression, codec: name, syncInterval: distance, blockSize: distance }
          const writer = await createSequenceFileWriter(sink, { ...options, ...more })
          for (const [key, value] of records)
            await writer.append(Text.encode(key), BytesWritable.encode(value))
          await writer.close()
          const source = new ChoppedSource(sink.bytes, sizes)
          const again = await collect(await SequenceFileReader.open(source))
          expect(again.map(({ key, value }) => [Text.decode(key), [...BytesWritable.decode(value)]])).toEqual(
            records.map(([key, value]) => [Buffer.from(key).toString(), [...value]]),
          )
        },
      ),
      { numRuns: 25 },
    )
  })
})

test('bzip2 is read and not written', async () => {
  await expect(loadWritingCodec('org.apache.hadoop.io.compress.BZip2Codec')).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/only be read/),
  })
  const codec = await loadCodec('bzip2')
  expect(() => codec.decompress(Buffer.from('BZh9nothing of the kind'), 1000)).toThrow(/BZip2Codec/)
})

test('an unknown codec is refused by name', async () => {
  for (const name of ['com.example.Codec', 'constructor', 'org.apache.hadoop.io.compress.PassthroughCodec']) {
    await expect(loadCodec(name)).rejects.toMatchObject({ code: 'UNSUPPORTED', details: { codec: name } })
  }
})

test('a package that is not installed is named, with the command', async () => {
  await expect(importOptional('no-such-package-here', 'Nothing compression')).rejects.toMatchObject({
    code: 'MISSING_PACKAGE',
    message: expect.stringMatching(/npm install no-such-package-here/),
  })
})
