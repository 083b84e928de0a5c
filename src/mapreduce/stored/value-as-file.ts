import { BytesWritable, Text } from '../../io/writables/index.js'
import { isKnownWritable, toRecordJson } from './record-json.js'

/**
 * What a value looks like in a file of its own: the payload of a BytesWritable, the UTF-8 of a Text, the
 * serialized bytes of a class that is not known here, and JSON of every other.
 */
export function valueAsFile(valueClass: string, value: Uint8Array): Uint8Array {
  if (valueClass === BytesWritable.className) return BytesWritable.decode(value)
  if (valueClass === Text.className) return Text.utf8(value)
  if (!isKnownWritable(valueClass)) return value
  return Buffer.from(`${JSON.stringify(toRecordJson(valueClass, value))}\n`)
}
