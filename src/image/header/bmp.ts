import { type HeaderReader, u16le, u32le } from './picture-header.js'

/**
 *     'BM', file length u32le, 4 reserved, pixel offset u32le
 *     header length u32le at 14: 12 has width u16le and height u16le,
 *     40 and more has width i32le and height i32le (negative: rows from the top), planes u16le, bits of a pixel u16le
 */
export const readBmpHeader: HeaderReader = (bytes) => {
  if (u32le(bytes, 14) === 12) {
    return { width: u16le(bytes, 18), height: u16le(bytes, 20), bitDepth: 8, channels: 3, hasProfile: false }
  }
  const bitsOfPixel = u16le(bytes, 28)
  return {
    width: Math.abs(u32le(bytes, 18) | 0),
    height: Math.abs(u32le(bytes, 22) | 0),
    bitDepth: 8,
    channels: bitsOfPixel === 32 ? 4 : 3,
    hasProfile: false,
  }
}
