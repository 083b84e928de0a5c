import { u16le, u32le } from '../header/picture-header.js'

/** A file of a zip archive. */
export interface StoredFile {
  readonly name: string
  /** A view of the archive's own bytes. */
  readonly bytes: Uint8Array
}

/**
 * The files of a zip archive that was written without compression, as libvips writes pyramids, in its order.
 *
 *     entries    each: local header (30 bytes, then a name and extra of the lengths u16le at 26 and 28), content
 *     directory  each: 'PK' 1 2, content bytes u32le at 20, name, extra and comment bytes u16le at 28, 30 and 32,
 *                offset of the local header u32le at 42; the name from 46
 *     end        'PK' 5 6, entries u16le at 10, offset of the directory u32le at 16
 *     zip64 end  'PK' 6 6, entries u64le at 32, offset of the directory u64le at 48; found by the 20 bytes before
 *                `end`: 'PK' 6 7, its offset u64le at 8. It counts where there are more than 65,534 entries.
 *
 * @throws Error when these are no such archive's bytes.
 */
export function* storedFiles(zip: Uint8Array): Generator<StoredFile> {
  const text = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength)
  const directory = findDirectory(zip, text)
  let at = directory.offset
  for (let entry = 0; entry < directory.entries; entry++) {
    if (u32le(zip, at) !== DIRECTORY_ENTRY) throw new Error(`no entry of a zip archive at ${at}`)
    const length = u32le(zip, at + 20)
    const nameBytes = u16le(zip, at + 28)
    const local = u32le(zip, at + 42)
    const start = local + LOCAL_BYTES + u16le(zip, local + 26) + u16le(zip, local + 28)
    const nameStart = at + DIRECTORY_BYTES
    yield {
      name: text.toString('utf8', nameStart, nameStart + nameBytes),
      bytes: zip.subarray(start, start + length),
    }
    at = nameStart + nameBytes + u16le(zip, at + 30) + u16le(zip, at + 32)
  }
}

const LOCAL_BYTES = 30
const DIRECTORY_BYTES = 46
const DIRECTORY_ENTRY = 0x02014b50
const END = Buffer.from('PK\x05\x06', 'latin1')
const ZIP64_LOCATOR = 0x07064b50
const ZIP64_LOCATOR_BYTES = 20

function findDirectory(zip: Uint8Array, text: Buffer): { entries: number; offset: number } {
  const end = text.lastIndexOf(END)
  if (end < 0) throw new Error('no end of a zip archive')
  const locator = end - ZIP64_LOCATOR_BYTES
  if (locator < 0 || u32le(zip, locator) !== ZIP64_LOCATOR) {
    return { entries: u16le(zip, end + 10), offset: u32le(zip, end + 16) }
  }
  const zip64 = Number(text.readBigUInt64LE(locator + 8))
  return {
    entries: Number(text.readBigUInt64LE(zip64 + 32)),
    offset: Number(text.readBigUInt64LE(zip64 + 48)),
  }
}
