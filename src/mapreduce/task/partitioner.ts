import { UserCodeError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { resolveUri } from '../../fs/resolve.js'
import { hashPartition } from '../../io/hash.js'
import { PartitionTable } from '../../io/partition-file.js'
import { writableFor } from '../../io/writables/index.js'
import type { Job } from '../job.js'
import { shuffleOrder } from './shuffle-order.js'
import type { JobSpec } from './task.js'

/** The partition of a record that `map` emitted. */
export type Partition = (key: unknown, value: unknown, serializedKey: Uint8Array) => number

/** @throws UserCodeError from the result, when a job's own partitioner gives something else than a partition. */
export async function openPartitioner(
  job: Job,
  keyClass: string,
  spec: JobSpec,
  params: Record<string, unknown>,
): Promise<Partition> {
  const { partitions, partitionFile } = spec.shuffle!
  // As in Hadoop a partitioner is not asked where there is nothing to choose.
  if (partitions === 1) return () => 0
  if (partitionFile !== undefined) {
    const { fs, path } = resolveUri(spec.jobFolder)
    await using source = await fs.open(joinPath(path, partitionFile))
    const table = await PartitionTable.read(source, shuffleOrder(job).compare)
    return (_key, _value, serializedKey) => table.partitionOf(serializedKey)
  }
  if (typeof job.partition === 'function') {
    const { partition } = job
    return (key, value) => {
      const chosen = partition(key, value, partitions, params)
      if (Number.isInteger(chosen) && chosen >= 0 && chosen < partitions) return chosen
      throw new UserCodeError(
        `Cannot partition ${JSON.stringify(String(key))}: the job's partitioner returned ${chosen}, it must be a whole number from 0 to ${partitions - 1}`,
      )
    }
  }
  const { hashCode } = writableFor(keyClass)
  if (!hashCode) {
    throw new UserCodeError(
      `Cannot spread ${keyClass} keys over ${partitions} reducers: their hash is not known here; give the job a partition function`,
    )
  }
  return (_key, _value, serializedKey) => hashPartition(hashCode(serializedKey), partitions)
}
