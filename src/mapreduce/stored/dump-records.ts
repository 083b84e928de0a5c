import { FormatError, UsageError } from '../../errors.js'
import { resolveUri } from '../../fs/resolve.js'
import { SequenceFileReader } from '../../io/sequence-file/index.js'
import { type RecordJsonOptions, serializationError, toRecordJson } from './record-json.js'
import { dataPath, findStoredFiles, isText, requireWhole } from './stored-files.js'
import { textRecords } from './text-records.js'

export interface DumpOptions extends RecordJsonOptions {
  /** First byte of a split of the data file. @default 0 */
  start?: number
  /** Bytes of the split. @default up to the file's end */
  length?: number
  signal?: AbortSignal
}

export interface DumpedRecord {
  readonly key: unknown
  readonly value: unknown
}

/**
 * All records of a SequenceFile, a MapFile or a job's output as JSON, whatever their classes: a line of text
 * with the byte that it begins at for a key, a line of JSON as the key and value that it tells. Of a byte
 * range exactly those that belong to such a split, which is what Hadoop's record reader gives it.
 * @throws UsageError when nothing is there, or a byte range is asked of several parts.
 * @throws FormatError where the data is damaged, after the records before it.
 */
export async function* dumpRecords(uri: string, options: DumpOptions = {}): AsyncGenerator<DumpedRecord> {
  const stored = await findStoredFiles(resolveUri(uri))
  requireWhole(stored)
  const { kind, files } = stored
  const { start = 0, length, signal } = options
  const ranged = options.start !== undefined || length !== undefined
  if (ranged && kind === 'job-output') {
    throw new UsageError(
      `Cannot dump a byte range of ${uri}: it is a job's output; name one of its parts, such as ${files[0]?.location.path ?? 'part-m-00000'}`,
    )
  }
  for (const file of files) {
    if (isText(file)) {
      const { kind: format, location } = file
      for await (const { key, value } of textRecords({ format, location }, signal)) yield { key, value }
      continue
    }
    await using source = await file.location.fs.open(dataPath(file))
    await using reader = await SequenceFileReader.open(source, {
      start,
      ...(length === undefined ? {} : { end: start + length }),
      ...(signal ? { signal } : {}),
    })
    const { keyClass, valueClass } = reader.header
    for await (const { key, value, position } of reader) {
      const wrong = serializationError(keyClass, key) ?? serializationError(valueClass, value)
      if (wrong !== undefined) {
        throw new FormatError(
          `Cannot read the record at ${position} of ${source.name}: ${wrong}; run "pixelreduce verify"`,
          { details: { file: source.name, offset: position } },
        )
      }
      yield { key: toRecordJson(keyClass, key, options), value: toRecordJson(valueClass, value, options) }
    }
  }
}
