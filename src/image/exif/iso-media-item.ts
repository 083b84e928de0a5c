import { boxes, findBox } from '../header/iso-media.js'
import { fourCharacters, u8, u16be, u32be } from '../header/picture-header.js'
import type { ExifBlock } from './block.js'

/**
 * EXIF of AVIF and HEIC is an item (ISO/IEC 14496-12, 8.11; 23008-12, A.2.1):
 *
 *     meta  version and flags u32, boxes: iinf, iloc, ...
 *     iinf  version u8, flags u24, count u16 (u32 from version 1 on), then boxes:
 *     infe  version u8, flags u24, item u16 (u32 in version 3), protection u16, type 4 characters, ...
 *     iloc  version u8, flags u24, 4 bits each: bytes of an offset, a length, a base, an index; items u16
 *           (u32 in version 2), then each item:
 *           item u16 (u32 in version 2), from version 1 on: construction method u16; data reference u16, base,
 *           extents u16, then each extent: from version 1 on: index; offset, length
 *     item  u32be: bytes to pass over, then (after 'Exif' and two zeros, which that number covers) TIFF
 */
export function findIsoMediaExif(bytes: Uint8Array): ExifBlock | undefined {
  const meta = findBox(bytes, { start: 0, end: bytes.length }, 'meta')
  if (!meta) return undefined
  const within = { start: meta.start + 4, end: meta.end }
  const infos = findBox(bytes, within, 'iinf')
  const locations = findBox(bytes, within, 'iloc')
  const item = infos && findExifItem(bytes, infos)
  const place = item !== undefined && locations ? locate(bytes, locations.start, item) : undefined
  if (!place) return undefined
  const passed = u32be(bytes, place.start)
  return { start: place.start + 4 + passed, end: Math.min(place.end, bytes.length) }
}

function findExifItem(bytes: Uint8Array, infos: ExifBlock): number | undefined {
  const countBytes = u8(bytes, infos.start) === 0 ? 2 : 4
  for (const { type, start } of boxes(bytes, { start: infos.start + 4 + countBytes, end: infos.end })) {
    const isWide = u8(bytes, start) === 3
    const typeAt = start + 4 + (isWide ? 4 : 2) + 2
    if (type !== 'infe' || fourCharacters(bytes, typeAt) !== 'Exif') continue
    return isWide ? u32be(bytes, start + 4) : u16be(bytes, start + 4)
  }
  return undefined
}

const MAX_ITEMS = 65_536
/** The only construction method whose offsets are of the file. */
const OF_FILE = 0

/** Where the item's first extent lies, if it lies in the file itself. */
function locate(bytes: Uint8Array, start: number, item: number): ExifBlock | undefined {
  const version = u8(bytes, start)
  const sizes = u16be(bytes, start + 4)
  const offsetBytes = sizes >> 12
  const lengthBytes = (sizes >> 8) & 15
  const baseBytes = (sizes >> 4) & 15
  const indexBytes = version === 0 ? 0 : sizes & 15
  const isWide = version === 2
  const count = Math.min(MAX_ITEMS, isWide ? u32be(bytes, start + 6) : u16be(bytes, start + 6))
  let at = start + (isWide ? 10 : 8)
  for (let number = 0; number < count && at < bytes.length; number++) {
    const found = isWide ? u32be(bytes, at) : u16be(bytes, at)
    at += isWide ? 4 : 2
    const method = version === 0 ? OF_FILE : u16be(bytes, at) & 15
    at += version === 0 ? 2 : 4
    const base = unsigned(bytes, at, baseBytes)
    const extents = u16be(bytes, at + baseBytes)
    at += baseBytes + 2
    if (found === item) {
      if (method !== OF_FILE || extents === 0) return undefined
      const offset = base + unsigned(bytes, at + indexBytes, offsetBytes)
      return { start: offset, end: offset + unsigned(bytes, at + indexBytes + offsetBytes, lengthBytes) }
    }
    at += extents * (indexBytes + offsetBytes + lengthBytes)
  }
  return undefined
}

/** A number of 0, 4 or 8 bytes. */
function unsigned(bytes: Uint8Array, at: number, length: number): number {
  if (length === 8) return u32be(bytes, at) * 2 ** 32 + u32be(bytes, at + 4)
  return length === 4 ? u32be(bytes, at) : 0
}
