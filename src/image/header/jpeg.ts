import { type HeaderReader, u16be } from './picture-header.js'

/**
 *     SOI       ff d8
 *     segments  ff <marker> <length u16be, counts itself> <payload>
 *     SOF       ff c0..cf but c4, c8, cc: length, precision u8, height u16be, width u16be, components u8
 */
export const readJpegHeader: HeaderReader = (bytes) => {
  const at = findFrame(bytes)
  if (at === undefined) return undefined
  return {
    bitDepth: bytes[at + 4]!,
    height: u16be(bytes, at + 5),
    width: u16be(bytes, at + 7),
    channels: bytes[at + 9]!,
    hasProfile: false,
  }
}

/**
 * Whether a JPEG has no end marker (ff d9) after its frame header. In the coded pixels that pair cannot occur, and in
 * whole files it is found at once, from the end; what some cameras append behind it does no harm.
 */
export function isJpegCutOff(bytes: Uint8Array): boolean {
  const frame = findFrame(bytes)
  if (frame === undefined) return false
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf(END_MARKER) < frame
}

/** Where the SOF segment begins that has the picture's size. */
function findFrame(bytes: Uint8Array): number | undefined {
  let at = 2
  while (at + 10 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!
    if (isFrameStart(marker)) return at
    if (marker === START_OF_SCAN || marker === END_OF_IMAGE) return undefined
    if (marker === 0xff)
      at++ // a fill byte
    else at += isStandalone(marker) ? 2 : 2 + Math.max(2, u16be(bytes, at + 2))
  }
  return undefined
}

const START_OF_SCAN = 0xda
const END_OF_IMAGE = 0xd9
const END_MARKER = Buffer.of(0xff, END_OF_IMAGE)

function isFrameStart(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

/** TEM, RSTn and SOI have no length. */
function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)
}
