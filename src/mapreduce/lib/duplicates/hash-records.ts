import { BytesWritable } from '../../../io/writables/index.js'
import type { ReduceContext } from '../../job.js'
import { bandTolerances, bandValue } from './hash-bands.js'

/*
 * The keys by which hashes reach the reducer: of each hash one for each band, so that the hashes come once for each
 * band, in the order of its values; and behind them, in the order of the hashes, one for each picture, with its key
 * as the value.
 *
 *   u8     band, or PICTURE
 *   u16be  the band's value; 0 of a picture
 *   bytes  the hash
 */
const PICTURE = 0xff
const HEAD_BYTES = 3

export interface HashKey {
  /** Undefined for a picture. */
  band: number | undefined
  hash: Uint8Array
}

/**
 * What `map` emits for a picture.
 * @param hex its hash
 * @param radius bits in which two hashes may differ
 */
export function hashRecords(hex: string, radius: number, key: string): [key: Uint8Array, value: string][] {
  const hash = Buffer.from(hex.padStart(2 * Math.ceil(hex.length / 2), '0'), 'hex')
  const bands = bandTolerances(hash.length, radius).map((_, band): [Uint8Array, string] => [
    hashKey(band, bandValue(hash, band), hash),
    '',
  ])
  return [...bands, [hashKey(PICTURE, 0, hash), key]]
}

function hashKey(band: number, value: number, hash: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(band, value >> 8, value & 0xff), hash])
}

/** @param serialized as a reducer's `currentKey` is; what is returned is a view of it */
export function readHashKey(serialized: Uint8Array): HashKey {
  const bytes = BytesWritable.decode(serialized)
  return { band: bytes[0] === PICTURE ? undefined : bytes[0]!, hash: bytes.subarray(HEAD_BYTES) }
}

/** A combiner: of the same hash once is enough. */
export async function onceEachHash<P>(
  key: Uint8Array,
  values: AsyncIterable<string>,
  { emit }: ReduceContext<P, Uint8Array, string>,
): Promise<void> {
  if (key[0] !== PICTURE) return emit(key, '')
  for await (const value of values) await emit(key, value)
}
