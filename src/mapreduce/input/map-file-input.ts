import { joinPath } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { DATA_FILE } from '../../io/map-file/format.js'
import { openMapFile } from '../map-file-folder.js'
import type { RecordClasses } from '../record-classes.js'
import type {
  InputRecord,
  InputSplit,
  JobInput,
  MapFileSplit,
  ReadContext,
  RecordReader,
} from './input-format.js'
import { inputRecordOf, requireClasses } from './record-input.js'
import { openSequenceFileInput } from './sequence-file-input.js'
import { shareMapFile } from './shared-map-file.js'
import { SplitHosts } from './split-hosts.js'

/**
 * A MapFile as an input, divided at the positions that its index names. One without an index
 * is read as the SequenceFile that its data is.
 */
export async function openMapFileInput(
  location: Location,
  classes: RecordClasses,
): Promise<JobInput & { records?: number }> {
  const { fs, path } = location
  await using file = await openMapFile(fs, path)
  const { reader, sources } = file
  const { header } = reader
  requireClasses(uriOf(location), header, classes)
  if (!sources.index) {
    const data = { fs, path: sources.data.name }
    return openSequenceFileInput(data, await fs.stat(data.path), classes)
  }
  const { length } = sources.data
  const index = await reader.index()
  const positions = Float64Array.from({ length: index.count }, (_, entry) => index.position(entry))
  const isEveryRecord = index.count === (await reader.recordCount())
  return {
    uri: uriOf(location),
    kind: 'map-file',
    totalBytes: length,
    fingerprint: `${length}:${Buffer.from(header.syncMarker).toString('hex')}`,
    getSplits: (splitBytes) => mapFileSplits(location, { positions, length, isEveryRecord }, splitBytes),
    ...(isEveryRecord ? { records: index.count } : {}),
  }
}

async function* mapFileSplits(
  location: Location,
  data: { positions: Float64Array; length: number; isEveryRecord: boolean },
  splitBytes: number,
): AsyncIterable<InputSplit> {
  const { positions, length, isEveryRecord } = data
  const hosts = await SplitHosts.of({ fs: location.fs, path: joinPath(location.path, DATA_FILE) }, length)
  for (let first = 0; first < positions.length; ) {
    const start = positions[first]!
    let next = first + 1
    // With BLOCK several entries point to one block, which no split may cut.
    while (
      next < positions.length &&
      (positions[next]! - start < splitBytes || positions[next] === positions[next - 1])
    )
      next++
    const end = positions[next] ?? length
    yield {
      kind: 'map-file',
      path: uriOf(location),
      start,
      end,
      length: end - start,
      hosts: hosts.between(start, end),
      ...(isEveryRecord ? { records: next - first } : {}),
    }
    first = next
  }
}

/** Reads the records of a split; a value that is not the one that was written comes with its problem. */
export async function readMapFile(split: MapFileSplit, context: ReadContext): Promise<RecordReader> {
  const shared = await shareMapFile(resolveUri(split.path), context.jobId)
  const damaged: InputRecord[] = []
  const recordOf = inputRecordOf(context.input, split.path)
  const scan = await shared.file.reader
    .scan({
      start: split.start,
      end: split.end,
      signal: context.signal,
      onDamaged: (problem, record) => {
        const { key, value } = recordOf(record)
        damaged.push({ key, value, problem })
      },
    })
    .catch(async (error) => {
      shared.discard()
      await shared[Symbol.asyncDispose]()
      throw error
    })
  let good: InputRecord | undefined
  return {
    async fill() {
      if (damaged.length > 0 || good !== undefined) return true
      return scan.fill().catch((error) => {
        shared.discard()
        throw error
      })
    },
    next() {
      if (good === undefined && damaged.length === 0) {
        const record = scan.next()
        good = record && recordOf(record)
      }
      // The scan meets damaged records on its way to the next good one.
      const first = damaged.shift()
      if (first) return first
      const record = good
      good = undefined
      return record
    },
    async [Symbol.asyncDispose]() {
      await scan.close()
      await shared[Symbol.asyncDispose]()
    },
  }
}
