import { type HeaderReader, type PictureHeader, u16be, u16le, u32be, u32le } from './picture-header.js'

/**
 *     byte order 'II' or 'MM', 42 u16, offset of the first IFD u32
 *     IFD        entries u16, then each entry: tag u16, type u16, count u32, value u32 (or the offset of it),
 *                then the offset of the next IFD u32, 0 at the last
 *
 * BigTIFF is the same with wider fields:
 *
 *     byte order 'II' or 'MM', 43 u16, 8 u16, 0 u16, offset of the first IFD u64
 *     IFD        entries u64, then each entry: tag u16, type u16, count u64, value u64 (or the offset of it),
 *                then the offset of the next IFD u64, 0 at the last
 */
export const readTiffHeader: HeaderReader = (bytes) => {
  const file = openTiff(bytes)
  if (!file) return undefined
  const found = { width: 0, height: 0, channels: 1, bitDepth: 1, hasProfile: false, isFloat: false }
  let isPalette = false
  const entries = Math.min(file.count(file.firstDirectory), MAX_ENTRIES)
  for (let index = 0; index < entries; index++) {
    const at = file.entriesOf(file.firstDirectory) + index * file.entryBytes
    // Of what there is one for each channel the first stands for all.
    const value = file.firstValue(at)
    switch (file.u16(at)) {
      case TAG.imageWidth:
        found.width = value
        break
      case TAG.imageLength:
        found.height = value
        break
      case TAG.bitsPerSample:
        found.bitDepth = value
        break
      case TAG.samplesPerPixel:
        if (!isPalette) found.channels = value
        break
      case TAG.photometric:
        // Comes before the samples, as tags ascend.
        isPalette = value === PALETTE
        if (isPalette) found.channels = COLOURS
        break
      case TAG.sampleFormat:
        found.isFloat = value === FLOATING_POINT
        break
      case TAG.iccProfile:
        found.hasProfile = true
        break
    }
  }
  return found satisfies Omit<PictureHeader, 'format'>
}

/** How many IFDs hang on the chain, counted no further than `atMost`. */
export function countTiffPages(bytes: Uint8Array, atMost: number): number | undefined {
  const file = openTiff(bytes)
  if (!file) return undefined
  const seen = new Set<number>()
  for (let at = file.firstDirectory; at !== 0 && at + 2 <= bytes.length && seen.size < atMost; ) {
    if (seen.has(at)) break // a chain that bites its tail
    seen.add(at)
    at = file.offset(file.entriesOf(at) + file.count(at) * file.entryBytes)
  }
  return seen.size
}

const CLASSIC = 42
const BIG = 43
const MAX_ENTRIES = 256
const SHORT = 3
const SHORT_BYTES = 2
const FLOATING_POINT = 3
const PALETTE = 3
/** Of what a palette's numbers stand for. */
const COLOURS = 3
const TAG = {
  imageWidth: 256,
  imageLength: 257,
  bitsPerSample: 258,
  photometric: 262,
  samplesPerPixel: 277,
  sampleFormat: 339,
  iccProfile: 34675,
}

/** A TIFF's fields, as wide as its version has them. */
function openTiff(bytes: Uint8Array) {
  const isLittle = bytes[0] === 0x49
  const u16 = (at: number) => (isLittle ? u16le : u16be)(bytes, at)
  const u32 = (at: number) => (isLittle ? u32le : u32be)(bytes, at)
  const u64 = (at: number) => u32(isLittle ? at + 4 : at) * 2 ** 32 + u32(isLittle ? at : at + 4)
  const version = u16(2)
  if (version !== CLASSIC && version !== BIG) return undefined
  const isBig = version === BIG
  const offset = isBig ? u64 : u32
  const countBytes = isBig ? 8 : 2
  const valueBytes = isBig ? 8 : 4
  return {
    u16,
    offset,
    firstDirectory: offset(isBig ? 8 : 4),
    entryBytes: isBig ? 20 : 12,
    count: isBig ? u64 : u16,
    entriesOf: (directory: number) => directory + countBytes,
    firstValue(entry: number): number {
      const isShort = u16(entry + 2) === SHORT
      const at = entry + 4 + valueBytes
      const isInside = offset(entry + 4) * (isShort ? SHORT_BYTES : 4) <= valueBytes
      const place = isInside ? at : offset(at)
      return isShort ? u16(place) : u32(place)
    },
  }
}
