import { joinPath } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { DATA_FILE } from '../../io/map-file/format.js'
import { BytesWritable } from '../../io/writables/bytes-writable.js'
import { Text } from '../../io/writables/text.js'
import { openMapFile } from '../map-file-folder.js'
import type {
  InputRecord,
  InputSplit,
  JobInput,
  MapFileSplit,
  ReadContext,
  RecordReader,
} from './input-format.js'
import { requirePictureClasses } from './picture-classes.js'
import { openSequenceFileInput } from './sequence-file-input.js'
import { shareMapFile } from './shared-map-file.js'
import { SplitHosts } from './split-hosts.js'

/**
 * A MapFile of pictures as an input, divided at the positions that its index names. One without an index
 * is read as the SequenceFile that its data is.
 */
export async function openMapFileInput(location: Location): Promise<JobInput & { records?: number }> {
  const { fs, path } = location
  await using file = await openMapFile(fs, path)
  const { reader, sources } = file
  const { header } = reader
  requirePictureClasses(uriOf(location), header.keyClass, header.valueClass)
  if (!sources.index) {
    const data = { fs, path: sources.data.name }
    return openSequenceFileInput(data, await fs.stat(data.path))
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
  const scan = await shared.file.reader
    .scan({
      start: split.start,
      end: split.end,
      signal: context.signal,
      onDamaged: (problem, record) => damaged.push({ ...pictureOf(record), problem }),
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
        good = record && pictureOf(record)
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

function pictureOf({ key, value }: { key: Uint8Array; value: Uint8Array }): InputRecord {
  return { key: Text.utf8(key), value: BytesWritable.decode(value) }
}
