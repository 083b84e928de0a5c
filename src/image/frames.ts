import type { PictureFormat } from './format.js'
import { fourCharacters, u32le } from './header/picture-header.js'
import { countTiffPages } from './header/tiff.js'

/**
 * How many frames or pages a picture has, counted no further than `atMost`, without decoding any.
 * @returns 1 for formats of a single picture; what could be counted when the bytes are damaged.
 */
export function countFrames(bytes: Uint8Array, format: PictureFormat, atMost: number): number {
  switch (format) {
    case 'gif':
      return countGifFrames(bytes, atMost)
    case 'webp':
      return countWebpFrames(bytes, atMost)
    case 'tiff':
      return countTiffPages(bytes, atMost) ?? 1
    default:
      return 1
  }
}

/**
 *     header 13 bytes (flags u8 at 10), global colours if flag 80: 3 * 2^(1 + flags & 7) bytes; then blocks:
 *     21  extension: label u8, sub-blocks
 *     2c  frame: 8 bytes, flags u8, local colours as above, code size u8, sub-blocks
 *     3b  end
 *     sub-blocks: <length u8> <data>, until a length of 0
 */
function countGifFrames(bytes: Uint8Array, atMost: number): number {
  let frames = 0
  let at = 13 + colourTableBytes(bytes[10]!)
  while (at < bytes.length && frames < atMost) {
    const block = bytes[at]
    if (block === 0x21) at += 2
    else if (block === 0x2c) {
      frames++
      at += 11 + colourTableBytes(bytes[at + 9]!)
    } else break
    while (at < bytes.length && bytes[at] !== 0) at += bytes[at]! + 1
    at++
  }
  return frames
}

function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** (1 + (flags & 7)) : 0
}

/** RIFF chunks from byte 12: `<4 characters> <length u32le> <data, padded to even>`; each ANMF is a frame. */
function countWebpFrames(bytes: Uint8Array, atMost: number): number {
  if (fourCharacters(bytes, 12) !== 'VP8X') return 1
  let frames = 0
  for (let at = 12; at + 8 <= bytes.length && frames < atMost; ) {
    if (fourCharacters(bytes, at) === 'ANMF') frames++
    const length = u32le(bytes, at + 4)
    at += 8 + length + (length % 2)
  }
  return Math.max(1, frames)
}
