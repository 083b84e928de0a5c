import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
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
    const [block] = await location.fs.blockLocations(`${location.path}/data`, start, end - start)
    yield {
      kind: 'map-file',
      path: uriOf(location),
      start,
      end,
      length: end - start,
      hosts: block?.hosts ?? [],
      ...(isEveryRecord ? { records: next - first } : {}),
    }
    first = next
  }
}

/** Reads the records of a split; a value that is not the one that was written comes with its problem. */
export async function readMapFile(split: MapFileSplit, context: ReadContext): Promise<RecordReader> {
  const { fs, path } = resolveUri(split.path)
  const file = await openMapFile(fs, path)
  const damaged: InputRecord[] = []
  const scan = await file.reader
    .scan({
      start: split.start,
      end: split.end,
      signal: context.signal,
      onDamaged: (problem, record) => damaged.push({ ...pictureOf(record), problem }),
    })
    .catch(async (error) => {
      await file.close()
      throw error
    })
  let good: InputRecord | undefined
  return {
    fill: async () => damaged.length > 0 || good !== undefined || scan.fill(),
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
      await file.close()
    },
  }
}

function pictureOf({ key, value }: { key: Uint8Array; value: Uint8Array }): InputRecord {
  return { key: Text.utf8(key), value: BytesWritable.decode(value) }
}
