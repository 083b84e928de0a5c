import { type HeaderReader, type PictureHeader, u16be, u16le, u32be, u32le } from './picture-header.js'

/**
 *     byte order 'II' or 'MM', 42 u16, offset of the first IFD u32
 *     IFD        entries u16, then each entry: tag u16, type u16, count u32, value u32 (or the offset of it),
 *                then the offset of the next IFD u32, 0 at the last
 *
 * BigTIFF (43) is laid out alike with wider fields; its header is left unknown.
 */
export const readTiffHeader: HeaderReader = (bytes) => {
  const file = openTiff(bytes)
  if (!file) return undefined
  const entries = file.u16(bytes, file.firstDirectory)
  const found = { width: 0, height: 0, channels: 1, bitDepth: 1, hasProfile: false }
  for (let index = 0; index < Math.min(entries, MAX_ENTRIES); index++) {
    const at = file.firstDirectory + 2 + index * ENTRY_BYTES
    const type = file.u16(bytes, at + 2)
    const count = file.u32(bytes, at + 4)
    const value = type === SHORT ? file.u16(bytes, at + 8) : file.u32(bytes, at + 8)
    switch (file.u16(bytes, at)) {
      case TAG.imageWidth:
        found.width = value
        break
      case TAG.imageLength:
        found.height = value
        break
      case TAG.bitsPerSample:
        // More than two shorts do not fit into the entry; it has their offset then.
        found.bitDepth = count > 2 ? file.u16(bytes, file.u32(bytes, at + 8)) : value
        break
      case TAG.samplesPerPixel:
        found.channels = value
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
    at = file.u32(bytes, at + 2 + file.u16(bytes, at) * ENTRY_BYTES)
  }
  return seen.size
}

const ENTRY_BYTES = 12
const MAX_ENTRIES = 256
const SHORT = 3
const TAG = { imageWidth: 256, imageLength: 257, bitsPerSample: 258, samplesPerPixel: 277, iccProfile: 34675 }

function openTiff(bytes: Uint8Array) {
  const little = bytes[0] === 0x49
  const u16 = little ? u16le : u16be
  const u32 = little ? u32le : u32be
  if (u16(bytes, 2) !== 42) return undefined
  return { u16, u32, firstDirectory: u32(bytes, 4) }
}
