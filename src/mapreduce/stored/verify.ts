import { FormatError, NotFoundError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { resolveUri, uriOf } from '../../fs/resolve.js'
import { readJsonLines } from '../../io/json-lines.js'
import type { SuccessPart } from '../output/success-file.js'
import { QUARANTINE_FOLDER, REASONS_FILE, SUCCESS_FILE } from '../task/layout.js'
import { type KeyJson, keyToJson } from '../task/task.js'
import { FaultList } from './fault-list.js'
import { findStoredFiles, isText, type StoredFile, type StoredFiles } from './stored-files.js'
import { type FileReport, type VerifiedFile, verifyFile } from './verify-file.js'
import { verifyText } from './verify-text.js'

export type { FileReport } from './verify-file.js'

/**
 * Verifies a SequenceFile, a MapFile or a job's output, file by file: data, index, checksums, Hadoop's
 * sidecars, and what `_SUCCESS` tells of each part, those of quarantine too.
 * @throws UsageError when nothing is there; UnsupportedError for a folder that is none of the three.
 */
export async function* verify(
  uri: string,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<FileReport> {
  const location = resolveUri(uri)
  const stored = await findStoredFiles(location)
  if (stored.successError) {
    const faults = new FaultList()
    faults.addError(stored.successError, 'success')
    yield absent(SUCCESS_FILE, faults)
  }
  yield* verifyParts(stored.files, stored.success?.parts, '', stored, options)
  const outputs = Object.values(stored.success?.outputs ?? {}).flat()
  yield* verifyParts(stored.outputs, outputs, '', stored, options)
  yield* verifyParts(stored.quarantine, stored.success?.quarantine, `${QUARANTINE_FOLDER}/`, stored, options)
}

/** @param told what `_SUCCESS` says of them; undefined where it says nothing */
async function* verifyParts(
  files: readonly StoredFile[],
  told: readonly SuccessPart[] | undefined,
  prefix: string,
  stored: StoredFiles,
  options: { signal?: AbortSignal },
): AsyncGenerator<FileReport> {
  const parts = new Map(told?.map((part) => [prefix + part.name, part]))
  const names = new Set([...parts.keys(), ...files.map((file) => file.name)])
  for (const name of [...names].sort()) {
    const part = parts.get(name)
    const file = files.find((each) => each.name === name)
    if (!file) {
      const faults = new FaultList()
      const path = joinPath(uriOf(stored.location), name)
      faults.add('missing', `There is no ${path}: ${SUCCESS_FILE} tells of ${part!.records} records in it`)
      yield absent(name, faults)
      continue
    }
    const verified = isText(file)
      ? await verifyText(file, options.signal)
      : await verifyFile(file, { ...options, withDigest: part !== undefined })
    if (part) compareWithSuccess(verified, part)
    // A job that wrote nothing leaves one part without records, which it does not count.
    else if (told && (told.length > 0 || verified.report.records > 0)) {
      verified.faults.add('success', `${SUCCESS_FILE} does not tell of ${name}, which Hadoop would read`)
    }
    if (prefix && verified.walk) await checkReasons(file, verified.walk.records, verified.faults)
    yield { ...verified.report, ...faultsOf(verified.faults) }
  }
}

/** Every record of quarantine has a line that tells why it is there. */
async function checkReasons(
  { name, location }: StoredFile,
  records: number,
  faults: FaultList,
): Promise<void> {
  const path = joinPath(location.path, REASONS_FILE)
  try {
    await using source = await location.fs.open(path)
    let lines = 0
    for await (const _ of readJsonLines(source)) lines++
    if (lines === records) return
    faults.add('success', `${path} has ${lines} lines, and ${name} has ${records} records`)
  } catch (error) {
    if (error instanceof NotFoundError) {
      faults.add('missing', `There is no ${path}, which tells why each record of ${name} was set aside`)
    } else if (error instanceof FormatError) faults.addError(error)
    else throw error
  }
}

function compareWithSuccess({ report, walk, bytes, digest, faults }: VerifiedFile, part: SuccessPart): void {
  if (!walk && bytes === undefined) return
  const differs = (what: string, found: unknown, expected: unknown, key?: KeyJson) => {
    const message = `${what} of ${report.file} is ${JSON.stringify(found)}, and ${SUCCESS_FILE} tells ${JSON.stringify(expected)}`
    faults.add('success', message, key === undefined ? {} : { key })
  }
  if (report.records !== part.records) differs('The number of records', report.records, part.records)
  if (bytes !== undefined && bytes !== part.bytes) differs('The number of bytes', bytes, part.bytes)
  // A line of text does not tell what of it is the key.
  if (walk) {
    const keyJson = (key: Uint8Array | undefined) => (key ? keyToJson(report.keyClass!, key) : '')
    for (const [what, found, expected] of [
      ['The first key', keyJson(walk.firstKey), part.firstKey],
      ['The last key', keyJson(walk.lastKey), part.lastKey],
    ] as const) {
      if (JSON.stringify(found) !== JSON.stringify(expected)) differs(what, found, expected, expected)
    }
  }
  if (digest !== part.digest) differs('The SHA-256 of the data', digest, part.digest)
}

function absent(file: string, faults: FaultList): FileReport {
  return {
    file,
    keyClass: null,
    valueClass: null,
    compression: null,
    codec: null,
    metadata: {},
    records: 0,
    indexEntries: null,
    streamSha256: null,
    ...faultsOf(faults),
  }
}

function faultsOf(faults: FaultList): Pick<FileReport, 'faults' | 'faultCount'> {
  return { faults: faults.kept, faultCount: faults.total }
}
