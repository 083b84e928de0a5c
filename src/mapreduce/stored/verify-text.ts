import { FormatError } from '../../errors.js'
import type { ByteSource } from '../../io/byte-source.js'
import { LineReader } from '../../io/text/line-reader.js'
import { DigestSource } from './digest-source.js'
import { FaultList } from './fault-list.js'
import { OpenedSources } from './opened-sources.js'
import { type StoredFile, withoutSidecars } from './stored-files.js'
import { parseRecord } from './text-records.js'
import type { VerifiedFile } from './verify-file.js'

/** Reads a text part through: its lines, for `jsonl` what they hold, its bytes and Hadoop's sidecar. */
export async function verifyText(
  file: StoredFile,
  signal = new AbortController().signal,
): Promise<VerifiedFile> {
  const faults = new FaultList()
  const { fs, path } = withoutSidecars(file.location)
  await using opened = new OpenedSources(fs)
  const source = await fs.open(path)
  await using digested = new DigestSource(source)
  for (const { error } of await opened.badChunks(path, source, faults, signal)) faults.addError(error, 'crc')
  const records = await readLines(digested, file.kind, faults, signal)
  return {
    report: {
      file: file.name,
      keyClass: null,
      valueClass: null,
      compression: null,
      codec: null,
      metadata: {},
      records,
      indexEntries: null,
      streamSha256: null,
    },
    faults,
    walk: undefined,
    bytes: source.length,
    digest: await digested.digest({ signal }),
  }
}

/** @returns how many can be read */
async function readLines(
  source: ByteSource,
  kind: StoredFile['kind'],
  faults: FaultList,
  signal: AbortSignal,
): Promise<number> {
  const { name, length } = source
  await using lines = new LineReader(source.stream(0, length, { signal }), { name })
  let records = 0
  try {
    while (await lines.fill()) {
      while (lines.next()) {
        const { offset, from, to } = lines
        if (offset + to - from === length) {
          faults.add('truncated', `The last line of ${name} has no end`, { offset })
        }
        const wrong = kind === 'jsonl' ? wrongRecord(lines.text(), name, offset) : undefined
        if (wrong) faults.addError(wrong)
        else records++
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    faults.addError(error)
  }
  return records
}

function wrongRecord(line: string, file: string, offset: number): FormatError | undefined {
  try {
    parseRecord(line, file, offset)
    return undefined
  } catch (error) {
    return error as FormatError
  }
}
