import { comparatorFor } from '../writables/comparator.js'
import type { MapFileSources } from './format.js'
import { RecordMerge } from './merge.js'
import { MapFileReader } from './reader.js'
import type { MapFileScan } from './scan.js'
import type { MapFileWriter } from './writer.js'

/**
 * Merges MapFiles into one: of equal keys that of the earlier file comes first. Values are verified as they
 * pass; the writer stays open.
 * @throws ChecksumError for a damaged value.
 */
export async function mergeMapFiles(
  inputs: readonly MapFileSources[],
  writer: MapFileWriter,
  signal?: AbortSignal,
): Promise<void> {
  const scans: MapFileScan[] = []
  try {
    for (const sources of inputs) {
      const reader = await MapFileReader.open(sources)
      scans.push(await reader.scan(signal ? { signal } : {}))
    }
    const merge = new RecordMerge(scans, comparatorFor(writer.options.keyClass, 'the inputs of a merge'))
    while (await merge.fill()) {
      for (let record = merge.next(); record; record = merge.next())
        await writer.append(record.key, record.value)
    }
  } finally {
    await Promise.all(scans.map((scan) => scan.close()))
  }
}
