import { fourCharacters, type HeaderReader, u16le, u24le, u32le } from './picture-header.js'

/**
 *     'RIFF' <length u32le> 'WEBP' <first chunk: 4 characters, length u32le, data from byte 20>
 *     'VP8X'  flags u8, 3 reserved, canvas width - 1 u24le, canvas height - 1 u24le
 *     'VP8L'  2f, then 14 bits width - 1, 14 bits height - 1, 1 bit alpha, from the lowest bit up
 *     'VP8 '  frame tag 3 bytes, 9d 01 2a, width u16le and height u16le whose upper two bits are a scale
 */
export const readWebpHeader: HeaderReader = (bytes) => {
  switch (fourCharacters(bytes, 12)) {
    case 'VP8X':
      return webp(u24le(bytes, 24) + 1, u24le(bytes, 27) + 1, (bytes[20]! & 0x10) !== 0)
    case 'VP8L': {
      const bits = u32le(bytes, 21)
      return webp((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1, ((bits >>> 28) & 1) === 1)
    }
    case 'VP8 ':
      return webp(u16le(bytes, 26) & 0x3fff, u16le(bytes, 28) & 0x3fff, false)
    default:
      return undefined
  }
}

function webp(width: number, height: number, hasAlpha: boolean): ReturnType<HeaderReader> {
  const channels = hasAlpha ? 4 : 3
  return { width, height, bitDepth: 8, channels, hasProfile: false, decoderBytesOfPixel: DECODER_BYTES }
}

/** The frame as RGBA, and what libwebp works with. Measured. */
const DECODER_BYTES = 5
