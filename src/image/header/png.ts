import { crc32 } from 'node:zlib'
import { fourCharacters, type HeaderReader, u8, u32be } from './picture-header.js'

/**
 *     signature  8 bytes
 *     chunks     <length u32be of the data> <type, 4 characters> <data> <crc u32be>
 *     IHDR       first: width u32be, height u32be, bit depth u8, colour type u8, compression u8, filter u8,
 *                interlace u8
 *     iCCP, tRNS before the first IDAT
 */
export const readPngHeader: HeaderReader = (bytes) => {
  if (fourCharacters(bytes, 12) !== 'IHDR') return undefined
  const colourType = u8(bytes, 25)
  const bitDepth = u8(bytes, 24)
  let hasProfile = false
  let hasTransparency = false
  for (const { type } of pngChunks(bytes)) {
    if (type === 'IDAT') break
    if (type === 'iCCP') hasProfile = true
    if (type === 'tRNS') hasTransparency = true
  }
  const hasAlphaChannel = (colourType & ALPHA) !== 0
  const channels = (colourType & COLOUR ? 3 : 1) + (hasAlphaChannel || hasTransparency ? 1 : 0)
  const isInterlaced = u8(bytes, 28) !== 0
  return {
    width: u32be(bytes, 16),
    height: u32be(bytes, 20),
    bitDepth,
    channels,
    hasProfile,
    // Seven passes over the picture: the decoder holds all of it.
    decoderBytesOfPixel: isInterlaced ? channels * Math.ceil(bitDepth / 8) : 0,
  }
}

/** What a decoder would not say of a PNG: undefined where there is nothing to say. */
export function findPngFault(bytes: Uint8Array): string | undefined {
  const chunks = pngChunks(bytes)
  const header = chunks.next().value
  if (header?.type !== 'IHDR') return undefined
  const [bitDepth, colourType] = [u8(bytes, 24), u8(bytes, 25)]
  const depths = BIT_DEPTHS.get(colourType)
  if (!depths) return `its colour type is ${colourType}, which PNG does not have`
  if (!depths.includes(bitDepth)) {
    return `its bit depth is ${bitDepth}, which colour type ${colourType} does not have`
  }
  let count = 1
  for (const { type } of chunks) {
    if (type === 'IDAT') return undefined
    if (type === 'IEND') return 'it has no pixels (no IDAT chunk)'
    count++
  }
  return count === MAX_CHUNKS ? `it has more than ${MAX_CHUNKS} chunks before its pixels` : undefined
}

/** Whether the checksum of the first chunk is wrong, and with it size and colours may be. */
export function isPngHeaderDamaged(bytes: Uint8Array): boolean {
  const [start, end] = [12, 12 + 4 + IHDR_BYTES]
  return bytes.length >= end + 4 && crc32(bytes.subarray(start, end)) !== u32be(bytes, end)
}

/** Whether the bytes are too few for the pixels that the header claims, however well those were compressed. */
export function isPngTooShort(bytes: Uint8Array): boolean {
  const [width, height] = [u32be(bytes, 16), u32be(bytes, 20)]
  const bitsOfPixel = u8(bytes, 24) * (SAMPLES_OF_COLOUR_TYPE[u8(bytes, 25)] ?? 1)
  const rowBytes = 1 + Math.ceil((width * bitsOfPixel) / 8)
  return rowBytes * height > bytes.length * MAX_INFLATION
}

const SAMPLES_OF_COLOUR_TYPE: readonly number[] = [1, 1, 3, 1, 2, 1, 4]

/**
 * How many bytes the compressed texts and the profile before the pixels may become, which libpng inflates while it
 * reads the header: deflate makes at most {@link MAX_INFLATION} of one, and libpng gives a chunk up at some size.
 */
export function pngTextBytes(bytes: Uint8Array): number {
  let sum = 0
  for (const { type, at, length } of pngChunks(bytes)) {
    if (type === 'IDAT') break
    const isCompressed =
      type === 'zTXt' || type === 'iCCP' || (type === 'iTXt' && isCompressedText(bytes, at))
    if (isCompressed) sum += Math.min(length * MAX_INFLATION, MAX_INFLATED_CHUNK)
  }
  return sum
}

/** iTXt: keyword, 0, compressed u8, ... */
function isCompressedText(bytes: Uint8Array, at: number): boolean {
  const end = bytes.subarray(at, at + MAX_KEYWORD_BYTES + 1).indexOf(0)
  return end >= 0 && u8(bytes, at + end + 1) !== 0
}

/** @yields each chunk: its type, where its data begin, and how many bytes they are said to be. */
function* pngChunks(bytes: Uint8Array): Generator<{ type: string; at: number; length: number }> {
  for (let at = 8, chunks = 0; at + 8 <= bytes.length && chunks < MAX_CHUNKS; chunks++) {
    const length = u32be(bytes, at)
    yield { type: fourCharacters(bytes, at + 4), at: at + 8, length }
    at += 12 + length
  }
}

// The bits of the colour type.
const COLOUR = 2
const ALPHA = 4

/** By colour type: grey, RGB, palette, grey with alpha, RGB with alpha. */
const BIT_DEPTHS: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
])

const IHDR_BYTES = 13
const MAX_KEYWORD_BYTES = 79

/** Of deflate: 258 bytes in 2 bits. */
const MAX_INFLATION = 1032

/** libpng's PNG_USER_CHUNK_MALLOC_MAX. */
const MAX_INFLATED_CHUNK = 8_000_000

/** Far more than real files have before their pixels; keeps a file of empty chunks from taking time. */
const MAX_CHUNKS = 10_000
