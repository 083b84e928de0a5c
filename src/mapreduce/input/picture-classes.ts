import { UnsupportedError } from '../../errors.js'
import { BytesWritable } from '../../io/writables/bytes-writable.js'
import { Text } from '../../io/writables/text.js'

/** Pictures are Text and BytesWritable. @throws UnsupportedError for records of other classes. */
export function requirePictureClasses(file: string, keyClass: string, valueClass: string): void {
  if (keyClass === Text.className && valueClass === BytesWritable.className) return
  throw new UnsupportedError(
    `Cannot read ${file} as pictures: its records are ${keyClass} and ${valueClass}, not Text and BytesWritable`,
  )
}
