import { UnsupportedError } from '../../errors.js'
import type { RawRecord } from '../../io/sequence-file/format.js'
import { BytesWritable, Text, type Writable, writableFor } from '../../io/writables/index.js'
import { PICTURE_CLASSES, type RecordClasses } from '../record-classes.js'
import type { InputDefinition } from './input-definition.js'
import type { InputRecord } from './input-format.js'

/** The classes that a MapFile or a SequenceFile must have to be a job's input. */
export function inputClasses({ keyClass, valueClass }: InputDefinition<unknown>): RecordClasses {
  return keyClass === undefined || valueClass === undefined ? PICTURE_CLASSES : { keyClass, valueClass }
}

/** @throws UnsupportedError for records of other classes. */
export function requireClasses(file: string, found: RecordClasses, wanted: RecordClasses): void {
  if (found.keyClass === wanted.keyClass && found.valueClass === wanted.valueClass) return
  const as = wanted === PICTURE_CLASSES ? ' as pictures' : ''
  throw new UnsupportedError(
    `Cannot read ${file}${as}: its records are ${found.keyClass} and ${found.valueClass}, not ${shortName(wanted.keyClass, found.keyClass)} and ${shortName(wanted.valueClass, found.valueClass)}`,
    { details: { file } },
  )
}

/** Without its package, where that tells it from the other. */
function shortName(className: string, other: string): string {
  const last = (name: string) => name.slice(name.lastIndexOf('.') + 1)
  return className !== other && last(className) === last(other) ? className : last(className)
}

/** What makes a job's input record of a stored one. */
export function inputRecordOf(
  input: InputDefinition<unknown>,
  path: string,
): (record: RawRecord) => InputRecord {
  if (input.kind === 'pictures') {
    return ({ key, value }) => ({ key: Text.utf8(key), value: BytesWritable.decode(value) })
  }
  const { keyClass, valueClass } = inputClasses(input)
  const key = writableFor(keyClass)
  const value = writableFor(valueClass)
  return (record) => storedRecord(record, path, key, value)
}

function storedRecord(
  record: RawRecord,
  path: string,
  key: Writable<unknown>,
  value: Writable<unknown>,
): InputRecord {
  try {
    const item = { key: key.decode(record.key), value: value.decode(record.value) }
    return new StoredInputRecord(record, path, item)
  } catch (error) {
    const { key, value } = new StoredInputRecord(record, path, undefined)
    return { key, value, problem: error as Error }
  }
}

/** A record of any classes; it is called by where it lies, since a key need not be text. */
class StoredInputRecord implements InputRecord {
  constructor(
    private readonly record: RawRecord,
    private readonly path: string,
    readonly item: unknown,
  ) {}

  get key(): Uint8Array {
    return Buffer.from(`${this.path}:${this.record.position}`)
  }

  get value(): Uint8Array {
    return this.record.value
  }
}
