import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemorySink } from '../../src/io/byte-sink.js'
import { compareBytes, toHex } from '../../src/io/bytes.js'
import { hashPartition } from '../../src/io/hash.js'
import { PartitionTable } from '../../src/io/partition-file.js'
import {
  encodeVInt,
  encodeVLong,
  readVInt,
  readVLong,
  vintSize,
  vintSizeFromFirst,
} from '../../src/io/vint.js'
import {
  arrayWritable,
  DoubleWritable,
  FloatWritable,
  IntWritable,
  LongWritable,
  MapWritable,
  Text,
  writableFor,
} from '../../src/io/writables/index.js'
import { comparable, encodeKey, fixture, fixtureBytes, readFacts } from './fixtures.js'

describe('variable-length integers', () => {
  test('are the bytes that Hadoop writes', () => {
    for (const { n, hex, size, decodeSizeOfFirstByte } of readFacts('tables/vint.json').rows) {
      const bytes = Buffer.from(hex, 'hex')
      expect(toHex(encodeVLong(BigInt(n)))).toBe(hex)
      expect(readVLong(bytes, 0)).toBe(BigInt(n))
      expect(vintSizeFromFirst(bytes[0]!)).toBe(decodeSizeOfFirstByte)
      if (Math.abs(Number(n)) > 0x7fffffff) continue
      expect(toHex(encodeVInt(Number(n)))).toBe(hex)
      expect(readVInt(bytes, 0)).toBe(Number(n))
      expect(vintSize(Number(n))).toBe(size)
    }
  })

  test('come back from any number, and a cut one is an error', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        const bytes = encodeVLong(n)
        expect(readVLong(bytes, 0)).toBe(n)
        expect(() => readVLong(bytes.subarray(0, bytes.length - 1), 0)).toThrow(/vint/)
      }),
    )
  })

  test('a vint beyond 32 bits is refused', () => {
    expect(() => readVInt(encodeVLong(2n ** 31n), 0)).toThrow(/beyond 32 bits/)
  })
})

describe('hashes and partitions', () => {
  test("of Text are Hadoop's", () => {
    for (const { key, utf8Hex, hash, partition } of readFacts('tables/hash-text.json').rows) {
      const bytes = Text.fromUtf8(Buffer.from(utf8Hex, 'hex'))
      expect([key, Text.hashCode(bytes)]).toEqual([key, hash])
      for (const [parts, part] of Object.entries(partition))
        expect(hashPartition(hash, Number(parts))).toBe(part)
    }
  })

  test("of the other classes are Hadoop's", () => {
    for (const { key, keyClass, hash, partition } of readFacts('tables/hash-other.json').rows) {
      expect([keyClass, key, writableFor(keyClass).hashCode!(encodeKey(keyClass, key))]).toEqual([
        keyClass,
        key,
        hash,
      ])
      for (const [parts, part] of Object.entries(partition))
        expect(hashPartition(hash, Number(parts))).toBe(part)
    }
  })

  test.each([
    'partition-text',
    'partition-long',
  ])('%s puts each key into the part that Hadoop puts it into', async (name) => {
    const facts = readFacts(`tables/${name}.json`)
    const table = await PartitionTable.read(fixture(`tables/${name}.lst`))
    expect(table.parts).toBe(facts.partitions)
    for (const { key, partition } of facts.probes) {
      expect([key, table.partitionOf(encodeKey(facts.keyClass, key))]).toEqual([key, partition])
    }
    const sink = new MemorySink()
    await table.write(sink, { syncMarker: Buffer.from(facts.syncMarker, 'hex') })
    expect(Buffer.compare(sink.bytes, fixtureBytes(`tables/${name}.lst`))).toBe(0)
  })

  test('a partition table whose keys do not ascend is refused', () => {
    const keys = ['b', 'b'].map((key) => Text.encode(key))
    expect(() => PartitionTable.of(Text.className, keys)).toThrow(/not above the one before it/)
  })
})

describe('order', () => {
  test('of Text is that of its bytes', () => {
    const words: string[] = readFacts('tables/text-order.json').inTextOrder
    const sorted = [...words]
      .reverse()
      .map((word) => Text.encode(word))
      .sort(Text.compare)
    expect(sorted.map((bytes) => Text.decode(bytes))).toEqual(words)
  })

  test('of numbers is by value, with -0 before 0 and NaN last', () => {
    const doubles = [Number.NEGATIVE_INFINITY, -1, -0, 0, 1e-300, 1, Number.POSITIVE_INFINITY, Number.NaN]
    for (const writable of [DoubleWritable, FloatWritable]) {
      const values = doubles.filter((value) => writable === DoubleWritable || value !== 1e-300)
      const sorted = values
        .map((value) => writable.encode(value))
        .reverse()
        .sort(writable.compare)
      expect(sorted.map((bytes) => writable.decode(bytes))).toEqual(values)
    }
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: -5n, max: 5n }),
        (a, step) => {
          const b = BigInt.asIntN(64, a + step)
          const order = LongWritable.compare!(LongWritable.encode(a), LongWritable.encode(b))
          expect(Math.sign(order)).toBe(a < b ? -1 : a > b ? 1 : 0)
          expect(LongWritable.decode(LongWritable.encode(a))).toBe(a)
        },
      ),
    )
  })
})

describe('Writables', () => {
  test('a Text keeps the bytes of a key that is no UTF-8, and shows it', () => {
    const raw = Uint8Array.of(0x61, 0xff, 0xfe)
    const bytes = Text.fromUtf8(raw)
    expect(compareBytes(Text.utf8(bytes), raw)).toBe(0)
    expect(Text.decode(bytes)).toBe('a\ufffd\ufffd')
  })

  test('a Text keeps a byte order mark', () => {
    expect(Text.decode(Text.encode('\ufeffa'))).toBe('\ufeffa')
  })

  test('refuse values that they cannot hold and bytes that they do not write', () => {
    expect(() => IntWritable.encode(2 ** 31)).toThrow(/no integer from/)
    expect(() => LongWritable.encode(2n ** 63n)).toThrow(/beyond 64 bits/)
    expect(() => LongWritable.encode(2 ** 60)).toThrow(/give a bigint/)
    expect(() => IntWritable.decode(new Uint8Array(3))).toThrow(/3 bytes instead of 4/)
    expect(() => Text.decode(Uint8Array.of(5, 1))).toThrow(/states 5 bytes/)
  })

  test('a MapWritable comes back with nested maps and classes of its own', () => {
    const inner = [{ keyClass: IntWritable.className, key: 1, valueClass: Text.className, value: 'x' }]
    const entries = [
      { keyClass: Text.className, key: 'a', valueClass: DoubleWritable.className, value: 1.5 },
      { keyClass: Text.className, key: 'b', valueClass: MapWritable.className, value: inner },
    ]
    expect(MapWritable.decode(MapWritable.encode(entries))).toEqual(entries)
  })

  test('an ArrayWritable comes back, and a cut one is an error', () => {
    const array = arrayWritable('com.example.TextArrayWritable', Text)
    const bytes = array.encode(['a', '', 'é'])
    expect(array.decode(bytes)).toEqual(['a', '', 'é'])
    expect(() => array.decode(bytes.subarray(0, bytes.length - 1))).toThrow(/Text/)
  })

  test('any bytes are decoded or refused by every class', () => {
    const classes = [
      'Text',
      'BytesWritable',
      'MapWritable',
      'VIntWritable',
      'VLongWritable',
      'MD5Hash',
      'FloatWritable',
    ]
    const names = [
      ...classes.map((name) => `org.apache.hadoop.io.${name}`),
      'org.apache.hadoop.typedbytes.TypedBytesWritable',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 60 }), (name, bytes) => {
        const writable = writableFor(name)
        try {
          comparable(writable.toJson(writable.decode(bytes)))
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/FORMAT|UNSUPPORTED/) })
        }
      }),
      { numRuns: 2000 },
    )
  })
})
