import type { FileStatus } from '../../fs/file-system.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { SequenceFileReader } from '../../io/sequence-file/reader.js'
import type { RecordClasses } from '../record-classes.js'
import type { InputSplit, JobInput, ReadContext, RecordReader, SequenceFileSplit } from './input-format.js'
import { inputRecordOf, requireClasses } from './record-input.js'
import { SplitHosts } from './split-hosts.js'

/** A SequenceFile as an input; it has no index, so it is divided at any byte, as Hadoop does. */
export async function openSequenceFileInput(
  location: Location,
  status: FileStatus,
  classes: RecordClasses,
): Promise<JobInput> {
  const uri = uriOf(location)
  await using source = await location.fs.open(location.path, { status })
  await using reader = await SequenceFileReader.open(source)
  const { header } = reader
  requireClasses(uri, header, classes)
  return {
    uri,
    kind: 'sequence-file',
    totalBytes: status.length,
    fingerprint: `${status.length}:${Buffer.from(header.syncMarker).toString('hex')}`,
    getSplits: (splitBytes) => sequenceFileSplits(location, status.length, splitBytes),
  }
}

async function* sequenceFileSplits(
  location: Location,
  length: number,
  splitBytes: number,
): AsyncIterable<InputSplit> {
  const count = Math.max(1, Math.round(length / splitBytes))
  const hosts = await SplitHosts.of(location, length)
  for (let index = 0; index < count; index++) {
    const start = Math.floor((length * index) / count)
    const end = Math.floor((length * (index + 1)) / count)
    const split = { path: uriOf(location), start, end, length: end - start }
    yield { kind: 'sequence-file', ...split, hosts: hosts.between(start, end) }
  }
}

/** Reads the records that begin in a split. */
export async function readSequenceFile(
  split: SequenceFileSplit,
  context: ReadContext,
): Promise<RecordReader> {
  const { fs, path } = resolveUri(split.path)
  const source = await fs.open(path)
  const { signal } = context
  const reader = await SequenceFileReader.open(source, { start: split.start, end: split.end, signal }).catch(
    async (error) => {
      await source.close()
      throw error
    },
  )
  const recordOf = inputRecordOf(context.input, split.path)
  return {
    fill: () => reader.fill(),
    next() {
      const record = reader.next()
      return record && recordOf(record)
    },
    async [Symbol.asyncDispose]() {
      await reader.close()
      await source.close()
    },
  }
}
