import { comparatorFor } from '../../io/writables/comparator.js'
import { type Writable, writableFor } from '../../io/writables/index.js'
import { type RawOrder, rawOrderOf } from '../../io/writables/raw-order.js'

/** The order in which keys reach the reducers, over their serialized bytes. */
export interface KeyOrder {
  compare(a: Uint8Array, b: Uint8Array): number
  /** Where the order shows in the bytes. */
  readonly rawOrder: RawOrder | undefined
}

/**
 * @param sort a job's own order over decoded keys; by default that of the class, as in Hadoop
 * @throws UnsupportedError for a class that has no order, when the job gives none.
 */
export function keyOrder<K>(keyClass: string, sort?: (a: K, b: K) => number): KeyOrder {
  if (!sort) return { compare: comparatorFor(keyClass, 'map output'), rawOrder: rawOrderOf(keyClass) }
  const { decode } = writableFor(keyClass) as Writable<K>
  return { compare: (a, b) => sort(decode(a), decode(b)), rawOrder: undefined }
}
