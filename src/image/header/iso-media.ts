import { fourCharacters, type HeaderReader, u8, u32be } from './picture-header.js'

/**
 *     boxes  <length u32be, counts itself; 1: a u64be follows; 0: to the end> <type, 4 characters> <content>
 *     meta   version and flags u32, boxes: ... iprp
 *     iprp   boxes: ipco, ipma
 *     ipco   boxes, one for each property: ispe = version and flags u32, width u32be, height u32be;
 *            av1C = marker u8, profile u8, bits u8 (40: more than 8 a sample, 20: twelve); colr = kind 4 characters
 *
 * A picture made of tiles has the ispe of its tiles as well as its own: the largest is the picture's.
 */
export const readIsoMediaHeader: HeaderReader = (bytes) => {
  const meta = findBox(bytes, { start: 0, end: bytes.length }, 'meta')
  const properties = meta && findBox(bytes, { start: meta.start + 4, end: meta.end }, 'iprp')
  const container = properties && findBox(bytes, properties, 'ipco')
  if (!container) return undefined
  let width = 0
  let height = 0
  let hasAlpha = false
  let hasProfile = false
  let bitDepth = 8
  for (const { type, start } of boxes(bytes, container)) {
    if (type === 'auxC') hasAlpha = true
    if (type === 'colr' && PROFILES.has(fourCharacters(bytes, start))) hasProfile = true
    if (type === 'av1C') bitDepth = Math.max(bitDepth, bitDepthOf(u8(bytes, start + 2)))
    if (type !== 'ispe') continue
    const [tileWidth, tileHeight] = [u32be(bytes, start + 4), u32be(bytes, start + 8)]
    if (tileWidth * tileHeight > width * height) [width, height] = [tileWidth, tileHeight]
  }
  const channels = hasAlpha ? 4 : 3
  return { width, height, bitDepth, channels, hasProfile, decoderBytesOfPixel: DECODER_BYTES }
}

/** The planes in the decoder, in libheif and in libvips. Measured. */
const DECODER_BYTES = 15

/** A profile of any kind, and one that is restricted to simple ones. */
const PROFILES: ReadonlySet<string> = new Set(['prof', 'rICC'])

function bitDepthOf(bits: number): number {
  if ((bits & 0x40) === 0) return 8
  return bits & 0x20 ? 12 : 10
}

/** A part of the bytes. */
export interface Range {
  readonly start: number
  readonly end: number
}

const MAX_BOXES = 1024

/** The first box of a type. */
export function findBox(bytes: Uint8Array, within: Range, type: string): Range | undefined {
  for (const box of boxes(bytes, within)) if (box.type === type) return box
  return undefined
}

/** The boxes that lie one after the other in a range, with the ranges of their contents. */
export function* boxes(bytes: Uint8Array, within: Range): Generator<Range & { type: string }> {
  for (let at = within.start, count = 0; at + 8 <= within.end && count < MAX_BOXES; count++) {
    const length = u32be(bytes, at)
    const wide = length === 1
    const whole = wide ? u32be(bytes, at + 8) * 2 ** 32 + u32be(bytes, at + 12) : length || within.end - at
    const headBytes = wide ? 16 : 8
    if (whole < headBytes) return
    const end = Math.min(within.end, at + whole)
    yield { type: fourCharacters(bytes, at + 4), start: at + headBytes, end }
    at = end
  }
}
