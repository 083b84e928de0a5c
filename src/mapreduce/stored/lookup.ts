import { FormatError, UnsupportedError } from '../../errors.js'
import { baseName } from '../../fs/path.js'
import { resolveUri } from '../../fs/resolve.js'
import type { RawRecord } from '../../io/sequence-file/index.js'
import { comparatorFor } from '../../io/writables/comparator.js'
import { Text } from '../../io/writables/text.js'
import { encodeKeyText } from './key-text.js'
import { type OpenPart, openPart, type Side } from './open-part.js'
import { hashedPart, type Partitioning, partitioningOfKeys, partitioningOfSuccess } from './partitioning.js'
import { serializationError } from './record-json.js'
import { findStoredFiles, isText, requireWhole, type StoredFile, type StoredFiles } from './stored-files.js'

/** A record that was looked up, still serialized. */
export interface FoundRecord extends RawRecord {
  readonly keyClass: string
  readonly valueClass: string
  /** Name of the part; of the file itself where there is only one. */
  readonly part: string
}

/**
 * Finds records by key in a MapFile, a SequenceFile or a job's output. Of an output only the parts are
 * opened that can have the key: by `_SUCCESS`; of one by Hadoop's reducers the part of the key's hash
 * first, and others only where the keys turn out not to be spread by hash.
 */
export class Lookup implements AsyncDisposable {
  private readonly opened = new Map<StoredFile, Promise<OpenPart>>()
  private partitioningLoading: Promise<Partitioning> | undefined

  private constructor(private readonly stored: StoredFiles) {}

  /**
   * @throws UsageError when nothing is there; UnsupportedError for a folder that holds no records;
   * FormatError when a part is missing.
   */
  static async open(uri: string): Promise<Lookup> {
    const stored = await findStoredFiles(resolveUri(uri))
    requireWhole(stored)
    if (stored.files.some(isText)) {
      throw new UnsupportedError(
        `Cannot look up keys in ${uri}: it is text, in which only reading all of it finds a line; "pixelreduce ls ${uri}" shows its lines, grep finds one, and a job with --output-format mapfile makes an index`,
      )
    }
    return new Lookup(stored)
  }

  /**
   * The first record with the key, which is given as text, see {@link encodeKeyText}.
   * @throws UsageError when the text is no key of the class.
   */
  async get(keyText: string): Promise<FoundRecord | undefined> {
    const key = await this.encode(keyText)
    if (key === undefined) return undefined
    const tried = new Set<string>()
    for await (const names of this.candidates(key)) {
      for (const name of names) {
        if (tried.has(name)) continue
        tried.add(name)
        const part = await this.openByName(name)
        const record = await part.get(key)
        if (record) return found(part, record)
      }
    }
    return undefined
  }

  /** The record with the key, else the next one on that side, over all parts. */
  async closest(keyText: string, side: Side): Promise<FoundRecord | undefined> {
    const key = await this.encode(keyText)
    if (key === undefined) return undefined
    let best: FoundRecord | undefined
    const { files, inOrder } = await this.filesFrom(key, side)
    for (const file of files) {
      if (inOrder && best) break
      const part = await this.open(file)
      const record = await part.closest(key, side)
      if (!record) continue
      const compare = comparatorFor(part.keyClass, part.name)
      const order = best ? compare(record.key, best.key) : 0
      if (!best || (side === 'after' ? order < 0 : order > 0)) best = found(part, record)
    }
    return best
  }

  /** Names of the parts that the key would lie in: one wherever the output's partitioning is known. */
  async partsFor(keyText: string): Promise<string[]> {
    const key = await this.encode(keyText)
    if (key === undefined) return []
    const { files } = this.stored
    return files.length === 1 ? [baseName(files[0]!.name)] : (await this.partitioning()).partsFor(key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.opened.values()].map(async (part) => (await part).close()))
  }

  /** The parts to ask for a closest record: all of them, but where ranges are told from the key's own on. */
  private async filesFrom(key: Uint8Array, side: Side): Promise<{ files: StoredFile[]; inOrder: boolean }> {
    const files = [...this.stored.files]
    const told = partitioningOfSuccess(this.stored)
    if (told?.kind !== 'ranges') return { files, inOrder: false }
    const first = told.holding(key)[0] ?? told.partsFor(key)[0]
    const at = files.findIndex(({ name }) => name === first)
    return { files: side === 'after' ? files.slice(at) : files.slice(0, at + 1).reverse(), inOrder: true }
  }

  private async *candidates(key: Uint8Array): AsyncGenerator<string[]> {
    const { files } = this.stored
    const names = files.map(({ name }) => name)
    if (files.length > 1 && !partitioningOfSuccess(this.stored) && names.every(isReducerPart)) {
      const { keyClass } = await this.open(files[0]!)
      const hashed = hashedPart(keyClass, key, names)
      if (hashed !== undefined) yield [hashed]
    }
    if (files.length === 1) yield names
    else yield (await this.partitioning()).holding(key)
  }

  private partitioning(): Promise<Partitioning> {
    this.partitioningLoading ??= this.loadPartitioning()
    return this.partitioningLoading
  }

  private async loadPartitioning(): Promise<Partitioning> {
    const told = partitioningOfSuccess(this.stored)
    if (told) return told
    return partitioningOfKeys(await Promise.all(this.stored.files.map((file) => this.open(file))))
  }

  private async encode(keyText: string): Promise<Uint8Array | undefined> {
    const { files, success } = this.stored
    // Where it says what its keys are, no part is opened that can't have this one.
    if (success) return encodeKeyText(success.keyClass ?? Text.className, keyText)
    const [first] = files
    return first && encodeKeyText((await this.open(first)).keyClass, keyText)
  }

  private openByName(name: string): Promise<OpenPart> {
    return this.open(this.stored.files.find((file) => file.name === name)!)
  }

  private open(file: StoredFile): Promise<OpenPart> {
    let part = this.opened.get(file)
    if (!part) {
      part = openPart(file)
      this.opened.set(file, part)
    }
    return part
  }
}

function isReducerPart(name: string): boolean {
  return /^part-r-\d+$/.test(name)
}

/** @throws FormatError when the value is none of its class; no checksum covers its length. */
function found(part: OpenPart, record: RawRecord): FoundRecord {
  const wrong = serializationError(part.valueClass, record.value)
  if (wrong !== undefined) {
    throw new FormatError(
      `Cannot read the record at ${record.position} of ${part.name}: ${wrong}; run "pixelreduce verify"`,
      { details: { file: part.name, offset: record.position } },
    )
  }
  return { ...record, keyClass: part.keyClass, valueClass: part.valueClass, part: baseName(part.name) }
}
