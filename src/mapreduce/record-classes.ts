import { describeError, KeyError, UserCodeError } from '../errors.js'
import { joinBytes } from '../io/bytes.js'
import { BytesWritable, Text, type Writable, writableFor } from '../io/writables/index.js'

/** The classes of a record's key and value, by their Java names. */
export interface RecordClasses {
  keyClass: string
  valueClass: string
}

export function classesOf({ key, value }: RecordWritables): RecordClasses {
  return { keyClass: key.className, valueClass: value.className }
}

interface RecordWritables {
  key: Writable<unknown>
  value: Writable<unknown>
}

/** A record as its Writables serialized it; the value in parts where that saves a copy. */
export interface SerializedRecord {
  key: Uint8Array
  value: Uint8Array | readonly Uint8Array[]
}

export const PICTURE_CLASSES: RecordClasses = {
  keyClass: Text.className,
  valueClass: BytesWritable.className,
}

/** Longest key that may be emitted, in bytes. */
export const MAX_KEY_BYTES = 64 * 1024

/** Largest value: a record's length is an int32, and holds the key and the value's own length too. */
const MAX_VALUE_BYTES = 2 ** 31 - 1 - MAX_KEY_BYTES - 16

/** Turns what a job emits into bytes, and says in its own words what can't be. */
export class RecordEncoder {
  private readonly key: Writable<unknown>
  private readonly value: Writable<unknown>

  constructor(private readonly classes: RecordClasses) {
    this.key = writableFor(classes.keyClass)
    this.value = writableFor(classes.valueClass)
  }

  /**
   * @param known a key as it came in, and its text: emitted again, it is written as the very bytes
   * @throws UserCodeError for what the classes can't hold; KeyError for what is too large.
   */
  encode(key: unknown, value: unknown, known?: { text: string; utf8: Uint8Array }): SerializedRecord {
    return { key: this.encodeKey(key, known), value: this.encodeValue(key, value) }
  }

  private encodeKey(key: unknown, known?: { text: string; utf8: Uint8Array }): Uint8Array {
    if (this.classes.keyClass === Text.className) {
      if (typeof key !== 'string') throw wrongType('a string for a key', key)
      const utf8 = known !== undefined && key === known.text ? known.utf8 : undefined
      return this.checkKey(utf8 ? Text.fromUtf8(utf8) : Text.encode(key), key)
    }
    return this.checkKey(encode(this.key, key, 'key'), key)
  }

  private checkKey(bytes: Uint8Array, key: unknown): Uint8Array {
    // What stands before the text's own bytes does not count.
    if (bytes.length <= MAX_KEY_BYTES) return bytes
    const length = this.classes.keyClass === Text.className ? Text.utf8(bytes).length : bytes.length
    if (length <= MAX_KEY_BYTES) return bytes
    throw new KeyError(
      `Cannot write the key ${shortened(key)}: it has ${length} bytes, the limit is ${MAX_KEY_BYTES}`,
    )
  }

  private encodeValue(key: unknown, value: unknown): SerializedRecord['value'] {
    if (this.classes.valueClass !== BytesWritable.className) return encode(this.value, value, 'value')
    if (!(value instanceof Uint8Array)) throw wrongType('a Uint8Array or a Buffer for a value', value)
    if (value.length <= MAX_VALUE_BYTES) return [BytesWritable.prefix(value.length), value]
    throw new KeyError(
      `Cannot write ${shortened(key)}: its value has ${value.length} bytes, a record holds ${MAX_VALUE_BYTES}`,
    )
  }
}

/** A serialized value in one piece. */
export function wholeValue(value: SerializedRecord['value']): Uint8Array {
  return value instanceof Uint8Array ? value : joinBytes(value)
}

/** Bytes of a serialized value. */
export function valueBytes(value: SerializedRecord['value']): number {
  if (value instanceof Uint8Array) return value.length
  return value.reduce((sum, part) => sum + part.length, 0)
}

function encode(writable: Writable<unknown>, value: unknown, what: string): Uint8Array {
  try {
    return writable.encode(value)
  } catch (error) {
    const [name] = writable.className.split('.').slice(-1)
    throw new UserCodeError(`emit can't take ${shortened(value)} for a ${what}: ${describeError(error)}`, {
      cause: error,
      details: { class: name! },
    })
  }
}

function wrongType(wanted: string, found: unknown): UserCodeError {
  return new UserCodeError(`emit takes ${wanted}, not ${typeof found}`)
}

const SHOWN = 40

function shortened(value: unknown): string {
  const text = typeof value === 'string' ? value : String(value)
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
  return typeof value === 'string' ? `"${shown}"` : shown
}
