import { UnsupportedError } from '../../errors.js'
import type { RawRecord } from '../../io/sequence-file/index.js'
import { SequenceFileReader } from '../../io/sequence-file/index.js'
import { writableFor } from '../../io/writables/index.js'
import { openMapFile } from '../map-file-folder.js'
import type { StoredFile } from './stored-files.js'

export type Side = 'before' | 'after'

/** One MapFile or SequenceFile, opened for lookups. Keys are serialized. */
export interface OpenPart {
  readonly name: string
  readonly keyClass: string
  readonly valueClass: string
  get(key: Uint8Array): Promise<RawRecord | undefined>
  /** The record with the key, else the next one on that side. */
  closest(key: Uint8Array, side: Side): Promise<RawRecord | undefined>
  /** Undefined when it has no records. */
  keyRange(): Promise<readonly [first: Uint8Array, last: Uint8Array] | undefined>
  close(): Promise<void>
}

export function openPart(file: StoredFile): Promise<OpenPart> {
  return file.kind === 'map-file' ? openMapFilePart(file) : openSequenceFilePart(file)
}

async function openMapFilePart({ name, location }: StoredFile): Promise<OpenPart> {
  const file = await openMapFile(location.fs, location.path)
  const { reader } = file
  return {
    name,
    keyClass: reader.header.keyClass,
    valueClass: reader.header.valueClass,
    get: (key) => reader.get(key),
    closest: (key, side) => reader.getClosest(key, { before: side === 'before' }),
    async keyRange() {
      await reader.reset()
      const first = await reader.next()
      await reader.reset()
      return first && [first.key, (await reader.finalKey()) ?? first.key]
    },
    close: () => file.close(),
  }
}

/** Has no index and need not be in order: each lookup reads it through. */
async function openSequenceFilePart({ name, location }: StoredFile): Promise<OpenPart> {
  const source = await location.fs.open(location.path)
  const reader = await SequenceFileReader.open(source).catch(async (error) => {
    await source.close()
    throw error
  })
  const { keyClass, valueClass } = reader.header
  const order = writableFor(keyClass).compare
  const best = async (better: (record: RawRecord, best: RawRecord | undefined) => boolean) => {
    await reader.seek(reader.headerLength)
    let found: RawRecord | undefined
    for await (const record of reader) if (better(record, found)) found = record
    return found
  }
  const compare = (a: Uint8Array, b: Uint8Array) => {
    if (order) return order(a, b)
    throw new UnsupportedError(`Cannot compare keys of ${name}: the order of ${keyClass} is not known`)
  }
  return {
    name,
    keyClass,
    valueClass,
    async get(key) {
      await reader.seek(reader.headerLength)
      for await (const record of reader) if (Buffer.compare(record.key, key) === 0) return record
      return undefined
    },
    closest: (key, side) =>
      best((record, found) =>
        side === 'after'
          ? compare(record.key, key) >= 0 && (!found || compare(record.key, found.key) < 0)
          : compare(record.key, key) <= 0 && (!found || compare(record.key, found.key) > 0),
      ),
    async keyRange() {
      const first = await best((record, found) => !found || compare(record.key, found.key) < 0)
      const last = first && (await best((record, found) => !found || compare(record.key, found.key) > 0))
      return first && last && [first.key, last.key]
    },
    async close() {
      await reader.close()
      await source.close()
    },
  }
}
