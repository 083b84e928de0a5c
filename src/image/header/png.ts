import { fourCharacters, type HeaderReader, u8, u32be } from './picture-header.js'

/**
 *     signature  8 bytes
 *     chunks     <length u32be of the data> <type, 4 characters> <data> <crc u32be>
 *     IHDR       first: width u32be, height u32be, bit depth u8, colour type u8, ...
 *     iCCP, tRNS before the first IDAT
 */
export const readPngHeader: HeaderReader = (bytes) => {
  if (fourCharacters(bytes, 12) !== 'IHDR') return undefined
  const colourType = u8(bytes, 25)
  let hasProfile = false
  let hasTransparency = false
  for (let at = 8, chunks = 0; at + 8 <= bytes.length && chunks < MAX_CHUNKS; chunks++) {
    const type = fourCharacters(bytes, at + 4)
    if (type === 'IDAT') break
    if (type === 'iCCP') hasProfile = true
    if (type === 'tRNS') hasTransparency = true
    at += 12 + u32be(bytes, at)
  }
  const hasAlphaChannel = (colourType & ALPHA) !== 0
  return {
    width: u32be(bytes, 16),
    height: u32be(bytes, 20),
    bitDepth: u8(bytes, 24),
    channels: (colourType & COLOUR ? 3 : 1) + (hasAlphaChannel || hasTransparency ? 1 : 0),
    hasProfile,
  }
}

// The bits of the colour type.
const COLOUR = 2
const ALPHA = 4

/** Far more than real files have before their pixels; keeps a file of empty chunks from taking time. */
const MAX_CHUNKS = 256
