import { FormatError } from '../../errors.js'
import { ByteBuilder, readInt32, writeInt32 } from '../bytes.js'
import { writableFor } from './registry.js'
import { serializedSize } from './serialized-size.js'
import type { Writable } from './writable.js'

/*
 * org.apache.hadoop.io.MapWritable
 *
 *   byte    number of classes that have no number of their own
 *   each:   byte its number, from 1; UTF its name (int16 length, bytes)
 *   int32   number of entries
 *   each:   byte the key's class, the key; byte the value's class, the value
 */
const CLASS_NAME = 'org.apache.hadoop.io.MapWritable'
const PACKAGE = 'org.apache.hadoop.io.'
const INT32_BYTES = 4
const FIRST_NUMBER = -127
const NUMBERED = [
  'ArrayWritable',
  'BooleanWritable',
  'BytesWritable',
  'FloatWritable',
  'IntWritable',
  'LongWritable',
  'MapWritable',
  'MD5Hash',
  'NullWritable',
  'ObjectWritable',
  'SortedMapWritable',
  'Text',
  'TwoDArrayWritable',
  'VIntWritable',
  'VLongWritable',
]
/** Deeper nesting is taken for damage. */
const MAX_DEPTH = 64

export interface MapWritableEntry {
  keyClass: string
  key: unknown
  valueClass: string
  value: unknown
}

export const MapWritable: Writable<readonly MapWritableEntry[]> = {
  className: CLASS_NAME,

  encode(entries) {
    const numbers = new Map<string, number>()
    NUMBERED.forEach((name, i) => {
      numbers.set(PACKAGE + name, FIRST_NUMBER + i)
    })
    const added: string[] = []
    for (const name of entries.flatMap((entry) => [entry.keyClass, entry.valueClass])) {
      if (numbers.has(name)) continue
      added.push(name)
      numbers.set(name, added.length)
    }
    if (added.length > 0x7f) {
      throw new FormatError(`Cannot write a MapWritable: it has ${added.length} classes and can number 127`)
    }
    const out = new ByteBuilder()
    out.append(Uint8Array.of(added.length))
    added.forEach((name, i) => {
      const utf = Buffer.from(name)
      out.append(Uint8Array.of(i + 1, utf.length >> 8, utf.length))
      out.append(utf)
    })
    const count = new Uint8Array(INT32_BYTES)
    writeInt32(count, 0, entries.length)
    out.append(count)
    for (const { keyClass, key, valueClass, value } of entries) {
      out.append(Uint8Array.of(numbers.get(keyClass)!))
      out.append(writableFor(keyClass).encode(key))
      out.append(Uint8Array.of(numbers.get(valueClass)!))
      out.append(writableFor(valueClass).encode(value))
    }
    return out.view().slice()
  },

  decode(bytes) {
    const cursor = new MapCursor(bytes)
    const entries = cursor.map(0)
    if (cursor.at !== bytes.length) {
      throw new FormatError(`Cannot read a MapWritable: it ends at ${cursor.at} of ${bytes.length} bytes`)
    }
    return entries
  },

  toJson: (entries) => ({
    map: entries.map((entry) => ({
      keyClass: entry.keyClass,
      key: writableFor(entry.keyClass).toJson(entry.key),
      valueClass: entry.valueClass,
      value: writableFor(entry.valueClass).toJson(entry.value),
    })),
  }),
}

class MapCursor {
  at = 0

  constructor(private readonly bytes: Uint8Array) {}

  map(depth: number): MapWritableEntry[] {
    if (depth > MAX_DEPTH)
      throw new FormatError(`Cannot read a MapWritable: maps are nested over ${MAX_DEPTH} deep`)
    const names = new Map<number, string>()
    NUMBERED.forEach((name, i) => {
      names.set(FIRST_NUMBER + i, PACKAGE + name)
    })
    const added = this.take(1)[0]!
    for (let i = 0; i < added; i++) {
      const [number, high, low] = this.take(3)
      names.set((number! << 24) >> 24, Buffer.from(this.take((high! << 8) | low!)).toString('utf8'))
    }
    const count = readInt32(this.take(INT32_BYTES), 0)
    const entries: MapWritableEntry[] = []
    for (let i = 0; i < count; i++) {
      const [keyClass, key] = this.value(names, depth)
      const [valueClass, value] = this.value(names, depth)
      entries.push({ keyClass, key, valueClass, value })
    }
    return entries
  }

  private value(names: Map<number, string>, depth: number): [string, unknown] {
    const number = (this.take(1)[0]! << 24) >> 24
    const className = names.get(number)
    if (className === undefined)
      throw new FormatError(`Cannot read a MapWritable: no class has the number ${number}`)
    if (className === CLASS_NAME) return [className, this.map(depth + 1)]
    const size = serializedSize(className, this.bytes, this.at)
    return [className, writableFor(className).decode(this.take(size))]
  }

  private take(count: number): Uint8Array {
    if (this.at + count > this.bytes.length) {
      throw new FormatError(
        `Cannot read a MapWritable: it ends after ${this.bytes.length} bytes, within an entry`,
      )
    }
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }
}
