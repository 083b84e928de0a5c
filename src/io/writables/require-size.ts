import { FormatError } from '../../errors.js'

/** @throws FormatError unless the class's value has exactly this many bytes. */
export function requireSize(name: string, bytes: Uint8Array, size: number): void {
  if (bytes.length === size) return
  throw new FormatError(`Cannot read a ${name}: it has ${bytes.length} bytes instead of ${size}`)
}
