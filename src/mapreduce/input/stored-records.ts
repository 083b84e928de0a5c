import { UnsupportedError } from '../../errors.js'
import { baseName } from '../../fs/path.js'
import { resolveUri, uriOf } from '../../fs/resolve.js'
import { SequenceFileReader } from '../../io/sequence-file/reader.js'
import { BytesWritable } from '../../io/writables/bytes-writable.js'
import { Text } from '../../io/writables/text.js'
import { type OpenMapFile, openMapFile } from '../map-file-folder.js'
import { type Dataset, openDataset } from './dataset.js'
import { requirePictureClasses } from './picture-classes.js'

/** A record as it lies in a MapFile, a SequenceFile or a part of a job's output. */
export interface StoredRecord {
  key: string
  value: Uint8Array
  /** Name of the part; of the file itself where there is only one. */
  part: string
  /** Where the record begins in the part's data, in bytes. */
  position: number
}

/** What was packed or written by a job, opened for reading. */
export interface StoredRecords extends AsyncDisposable {
  /** All records, part after part. */
  records(signal?: AbortSignal): AsyncIterable<StoredRecord>
}

/**
 * Opens a MapFile, a SequenceFile or a job's output.
 * @throws UsageError when nothing is there; UnsupportedError for a folder of pictures that nobody packed.
 */
export async function openStoredRecords(uri: string): Promise<StoredRecords> {
  const dataset = await openDataset(resolveUri(uri))
  if (dataset.kind === 'pictures') {
    throw new UnsupportedError(
      `Cannot read ${uri}: it is no MapFile, SequenceFile or job output; "pixelreduce pack ${uri} ${uri}.packed" makes one`,
    )
  }
  const parts = dataset.kind === 'job-output' ? dataset.parts : [dataset]
  const opened = new Map<Dataset, Promise<OpenMapFile>>()
  const open = (part: Dataset): Promise<OpenMapFile> => {
    let reader = opened.get(part)
    if (!reader) {
      reader = openMapFile(part.location.fs, part.location.path).then((each) => {
        const { keyClass, valueClass } = each.reader.header
        requirePictureClasses(uriOf(part.location), keyClass, valueClass)
        return each
      })
      opened.set(part, reader)
    }
    return reader
  }

  return {
    async *records(signal) {
      for (const part of parts) {
        if (part.kind === 'sequence-file') yield* sequenceFileRecords(part)
        else {
          const { reader } = await open(part)
          for await (const record of reader.entries()) {
            signal?.throwIfAborted()
            yield stored(part, record)
          }
        }
      }
    },

    async [Symbol.asyncDispose]() {
      await Promise.allSettled([...opened.values()].map(async (file) => (await file).close()))
    },
  }
}

function stored(
  part: Dataset,
  record: { key: Uint8Array; value: Uint8Array; position: number },
): StoredRecord {
  return {
    key: Text.decode(record.key),
    value: BytesWritable.decode(record.value),
    part: baseName(part.location.path),
    position: record.position,
  }
}

async function* sequenceFileRecords(part: Dataset): AsyncIterable<StoredRecord> {
  const { fs, path } = part.location
  await using source = await fs.open(path)
  await using reader = await SequenceFileReader.open(source)
  requirePictureClasses(uriOf(part.location), reader.header.keyClass, reader.header.valueClass)
  while (await reader.fill()) {
    for (let record = reader.next(); record; record = reader.next()) yield stored(part, record)
  }
}
