import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MemorySink } from '../../src/io/byte-sink.js'
import { MemorySource } from '../../src/io/byte-source.js'
import type { MapFileSinks } from '../../src/io/map-file/index.js'
import { type RawRecord, StreamDigest } from '../../src/io/sequence-file/index.js'
import { writableFor } from '../../src/io/writables/index.js'

const root = new URL('../fixtures/hadoop/', import.meta.url)

export interface SequenceFileFacts {
  file: string
  bytes: number
  keyClass: string
  valueClass: string
  compression: 'NONE' | 'RECORD' | 'BLOCK'
  codec: string | null
  metadata: Record<string, string>
  syncMarker: string
  records: number
  streamSha256: string
  entries: [unknown, unknown][]
  rawEntriesHex?: [string, string][]
  made?: { 'io.seqfile.compress.blocksize'?: number; syncInterval?: number } | string
}

/** The JSON truth, with what Hadoop said of the file of that name. */
// biome-ignore lint/suspicious/noExplicitAny: its shape differs from file to file and the tests know it
export function readFacts<T = any>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, root), 'utf8'))
}

export function fixtureBytes(path: string): Uint8Array {
  return readFileSync(new URL(path, root))
}

export function fixturePath(path: string): string {
  return fileURLToPath(new URL(path, root))
}

export function fixture(path: string): MemorySource {
  return new MemorySource(fixtureBytes(path), path)
}

/** Names without ending of all files in a folder of fixtures that end so. */
export function fixtureNames(folder: string, ending: string): string[] {
  return readdirSync(new URL(`${folder}/`, root))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort()
}

/** A file of pieces of the given sizes, over and over: what a network gives. */
export class ChoppedSource extends MemorySource {
  constructor(
    bytes: Uint8Array,
    private readonly sizes: readonly number[],
    name = 'chopped',
  ) {
    super(bytes, name)
  }

  override async *stream(start: number, end = this.length): AsyncIterable<Uint8Array> {
    for (let at = start, i = 0; at < end; i++) {
      const next = Math.min(end, at + this.sizes[i % this.sizes.length]!)
      yield this.bytes.slice(at, next)
      at = next
    }
  }
}

export function streamSha256(records: Iterable<Pick<RawRecord, 'key' | 'value'>>): string {
  const digest = new StreamDigest()
  for (const record of records) digest.update(record)
  return digest.digest()
}

/** A record as the fixtures' JSON shows it. */
export function shown(className: string, bytes: Uint8Array): unknown {
  const writable = writableFor(className)
  return writable.toJson(writable.decode(bytes))
}

/** The other way round: a key of the fixtures' JSON, serialized. */
export function encodeKey(className: string, json: unknown): Uint8Array {
  const writable = writableFor(className)
  if (className.endsWith('.MD5Hash')) return writable.encode(Buffer.from(json as string, 'hex'))
  if (className.endsWith('LongWritable')) return writable.encode(BigInt(json as string))
  if (typeof json !== 'object') return writable.encode(json)
  const { hex, bits } = json as { hex?: string; bits?: string }
  return hex === undefined ? Buffer.from(bits!, 'hex') : writable.encode(Buffer.from(hex, 'hex'))
}

/**
 * Takes away what means nothing: the order of a map's entries, and how Java shows a typed list, which it
 * reads into the same class as a vector.
 */
export function comparable(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(comparable)
  if (typeof json !== 'object' || json === null) return json
  const entries = Object.entries(json).map(([name, value]) => [name, comparable(value)])
  const object = Object.fromEntries(entries)
  if (object.type === 'list') object.type = 'vector'
  if (Array.isArray(object.map))
    object.map.sort((a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  return object
}

/** Records in memory as the files of a MapFile. */
export class MemoryMapFile implements MapFileSinks {
  readonly data = new MemorySink('data')
  readonly index = new MemorySink('index')
  readonly checksum: MemorySink | undefined

  constructor(withChecksum = true) {
    this.checksum = withChecksum ? new MemorySink('_checksum') : undefined
  }

  get sources(): { data: MemorySource; index: MemorySource; checksum?: MemorySource } {
    return {
      data: new MemorySource(this.data.bytes, 'data'),
      index: new MemorySource(this.index.bytes, 'index'),
      ...(this.checksum ? { checksum: new MemorySource(this.checksum.bytes, '_checksum') } : {}),
    }
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
