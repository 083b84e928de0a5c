import type { ReduceContext } from '../job.js'
import { addPackedIntegers, packIntegers } from './packed-integers.js'

/** A combiner or reducer that emits a key with the sum of its LongWritables, as Hadoop's LongSumReducer. */
export async function sumLongs<P, K>(
  key: K,
  values: AsyncIterable<bigint>,
  { emit }: ReduceContext<P, K, bigint>,
): Promise<void> {
  let sum = 0n
  for await (const value of values) sum += value
  await emit(key, sum)
}

/** The same for vectors of {@link packIntegers}, summed element by element. */
export async function sumPackedIntegers<P, K>(
  key: K,
  values: AsyncIterable<Uint8Array>,
  { emit }: ReduceContext<P, K, Uint8Array>,
): Promise<void> {
  await emit(key, packIntegers(await addPackedIntegers(values)))
}
