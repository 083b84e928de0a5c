import { type HeaderReader, u16be } from './picture-header.js'

/**
 *     SOI       ff d8
 *     segments  ff <marker> <length u16be, counts itself> <payload>
 *     SOF       ff c0..cf but c4, c8, cc: length, precision u8, height u16be, width u16be, components u8
 */
export const readJpegHeader: HeaderReader = (bytes) => {
  const at = findFrame(bytes)
  if (at === undefined) return undefined
  const channels = bytes[at + 9]!
  return {
    bitDepth: bytes[at + 4]!,
    height: u16be(bytes, at + 5),
    width: u16be(bytes, at + 7),
    channels,
    hasProfile: false,
    decoderBytesOfPixel: isProgressive(bytes, at) ? channels * COEFFICIENT_BYTES : 0,
  }
}

/** Scan after scan adds to the coefficients of the whole picture, which the decoder therefore holds. */
function isProgressive(bytes: Uint8Array, frame: number): boolean {
  return (bytes[frame + 1]! & 3) === 2
}

const COEFFICIENT_BYTES = 2

/**
 * How many scans a progressive JPEG has, counted no further than `atMost`: each goes over the whole picture, whatever
 * few bytes it has itself.
 * @returns 0 for other JPEGs, whose scans take as long as they have bytes.
 */
export function countProgressiveScans(bytes: Uint8Array, atMost: number): number {
  const frame = findFrame(bytes)
  if (frame === undefined || !isProgressive(bytes, frame)) return 0
  let count = 0
  for (let at: number | undefined = frame; at !== undefined && count < atMost; ) {
    const marker = bytes[at + 1]!
    if (marker === END_OF_IMAGE) break
    if (marker === START_OF_SCAN) count++
    at = nextMarker(bytes, at + 2 + u16be(bytes, at + 2))
  }
  return count
}

/** Behind coded pixels, in which each ff is followed by 00 or is one of the restart markers. */
function nextMarker(bytes: Uint8Array, from: number): number | undefined {
  for (
    let at = bytes.indexOf(0xff, from);
    at >= 0 && at + 1 < bytes.length;
    at = bytes.indexOf(0xff, at + 1)
  ) {
    const marker = bytes[at + 1]!
    if (marker !== 0 && marker !== 0xff && !isStandalone(marker)) return at
  }
  return undefined
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
  for (const { marker, at } of jpegSegments(bytes)) if (isFrameStart(marker)) return at
  return undefined
}

/** The segments before the coded pixels; `at` is where the marker's ff stands, `end` is behind the payload. */
export function* jpegSegments(bytes: Uint8Array): Generator<{ marker: number; at: number; end: number }> {
  let at = 2
  while (at + 10 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!
    if (marker === START_OF_SCAN || marker === END_OF_IMAGE) return
    if (marker === 0xff) {
      at++ // a fill byte
      continue
    }
    const end = at + (isStandalone(marker) ? 2 : 2 + Math.max(2, u16be(bytes, at + 2)))
    yield { marker, at, end }
    at = end
  }
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
