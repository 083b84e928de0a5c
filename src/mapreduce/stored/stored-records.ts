import { KeyError, UnsupportedError } from '../../errors.js'
import { baseName } from '../../fs/path.js'
import { resolveUri, uriOf } from '../../fs/resolve.js'
import type { RawRecord } from '../../io/sequence-file/index.js'
import { SequenceFileReader } from '../../io/sequence-file/index.js'
import { Text } from '../../io/writables/text.js'
import { type Dataset, openDataset } from '../input/dataset.js'
import { openMapFile } from '../map-file-folder.js'
import { toRecordJson } from './record-json.js'
import { textRecords } from './text-records.js'
import { valueAsFile } from './value-as-file.js'

/** A record as `ls` shows it. */
export interface ListedRecord {
  /** Text as it is, what is no UTF-8 in it as U+FFFD; any other key as `dump` shows it. */
  readonly key: unknown
  /** What it is in a file of its own; see value-as-file.ts. Of a line of text the line. */
  readonly value: Uint8Array
  /** Name of the part; of the file itself where there is only one. */
  readonly part: string
  /** Where the record begins in the part's data, in bytes. */
  readonly position: number
}

/**
 * All records of a MapFile, a SequenceFile or a job's output, part after part.
 * @throws UsageError when nothing is there; UnsupportedError for a folder of pictures that nobody packed.
 */
export async function* listRecords(uri: string, signal?: AbortSignal): AsyncGenerator<ListedRecord> {
  for (const part of await partsOf(uri)) yield* recordsOf(part, signal)
}

/**
 * The same for records that can be files of their own.
 * @throws UnsupportedError for text; KeyError for a key that is neither text nor a number.
 */
export async function* recordsAsFiles(
  uri: string,
  signal?: AbortSignal,
): AsyncGenerator<ListedRecord & { key: string }> {
  for (const part of await partsOf(uri)) {
    if (part.kind === 'text-file') {
      throw new UnsupportedError(
        `Cannot export ${uri}: it is text already, in files of many lines; copy ${uriOf(part.location)}`,
      )
    }
    for await (const { key, ...record } of recordsOf(part, signal)) {
      if (typeof key !== 'string' && typeof key !== 'number') {
        throw new KeyError(
          `Cannot export the key ${JSON.stringify(key)}: it is neither text nor a number, and names no file; "pixelreduce dump ${uri}" shows the records`,
        )
      }
      yield { key: String(key), ...record }
    }
  }
}

async function partsOf(uri: string): Promise<readonly Dataset[]> {
  const dataset = await openDataset(resolveUri(uri))
  if (dataset.kind === 'job-output') return dataset.parts
  if (dataset.kind !== 'files') return [dataset]
  throw new UnsupportedError(
    `Cannot read ${uri}: it is no MapFile, SequenceFile or job output; "pixelreduce pack ${uri} ${uri}.packed" makes one`,
  )
}

async function* recordsOf(part: Dataset, signal: AbortSignal | undefined): AsyncGenerator<ListedRecord> {
  const { fs, path } = part.location
  const name = baseName(path)
  switch (part.kind) {
    case 'map-file': {
      await using file = await openMapFile(fs, path)
      const listed = listedAs(file.reader.header, name)
      for await (const record of file.reader.entries()) {
        signal?.throwIfAborted()
        yield listed(record)
      }
      return
    }
    case 'sequence-file': {
      await using source = await fs.open(path)
      await using reader = await SequenceFileReader.open(source, signal ? { signal } : {})
      const listed = listedAs(reader.header, name)
      for await (const record of reader) yield listed(record)
      return
    }
    case 'text-file': {
      for await (const { key, bytes, position } of textRecords(part, signal)) {
        yield { key, value: bytes, part: name, position }
      }
    }
  }
}

function listedAs(
  { keyClass, valueClass }: { keyClass: string; valueClass: string },
  part: string,
): (record: RawRecord) => ListedRecord {
  return ({ key, value, position }) => ({
    key: keyClass === Text.className ? Text.decode(key) : toRecordJson(keyClass, key),
    value: valueAsFile(valueClass, value),
    part,
    position,
  })
}
