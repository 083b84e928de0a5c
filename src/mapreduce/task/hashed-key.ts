import { createHash } from 'node:crypto'
import { readVInt, vintSizeFromFirst } from '../../io/vint.js'
import { Text } from '../../io/writables/index.js'

/**
 * With `--key hash` a record's key is the MD5 of its name, in hex. The name travels before the value, as the
 * Text that it is, and lies beside the record in the output `_names`: MapFiles from hash to name, which Hadoop's
 * lookups pass over by their names.
 */
export const NAMES_OUTPUT = '_names'

export function hashedKey(name: string): string {
  return createHash('md5').update(name).digest('hex')
}

/** Takes a value apart that a name was put before. */
export function splitName(bytes: Uint8Array): { name: Uint8Array; value: Uint8Array } {
  const end = vintSizeFromFirst(bytes[0]!) + readVInt(bytes, 0)
  return { name: bytes.subarray(0, end), value: bytes.subarray(end) }
}

export function withName(name: string, value: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Text.encode(name), ...value])
}
