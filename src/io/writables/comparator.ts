import { UnsupportedError } from '../../errors.js'
import { writableFor } from './index.js'

/**
 * The raw comparator of a class, for files that are in its order.
 * @param file for the message
 * @throws UnsupportedError for a class whose order is not known.
 */
export function comparatorFor(keyClass: string, file: string): (a: Uint8Array, b: Uint8Array) => number {
  const compare = writableFor(keyClass).compare
  if (compare) return compare
  throw new UnsupportedError(`Cannot use ${file} as a MapFile: the order of ${keyClass} keys is not known`, {
    details: { file, keyClass },
  })
}
