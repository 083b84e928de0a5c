import { type HeaderReader, u8, u16le } from './picture-header.js'

/**
 *     header 13 bytes: 'GIF87a' or 'GIF89a', screen width u16le, screen height u16le, flags u8, ...
 *     global colours if flag 80: 3 * 2^(1 + flags & 7) bytes; then blocks:
 *     21  extension: label u8, sub-blocks
 *     2c  frame: left u16le, top u16le, width u16le, height u16le, flags u8, local colours as above, code size u8,
 *         sub-blocks
 *     3b  end
 *     sub-blocks: <length u8> <data>, until a length of 0
 *
 * Decoders enlarge the screen to hold the first frame. They give RGBA, or RGB when no frame is transparent; which,
 * is told only by each frame.
 */
export const readGifHeader: HeaderReader = (bytes) => {
  const size = { width: u16le(bytes, 6), height: u16le(bytes, 8) }
  const { value: frame } = gifFrames(bytes.subarray(0, MAX_HEAD_BYTES)).next()
  if (frame !== undefined) {
    size.width = Math.max(size.width, u16le(bytes, frame + 1) + u16le(bytes, frame + 5))
    size.height = Math.max(size.height, u16le(bytes, frame + 3) + u16le(bytes, frame + 7))
  }
  return { ...size, bitDepth: 8, channels: 4, hasProfile: false, decoderBytesOfPixel: RGBA_BYTES }
}

/** Where the blocks of the frames begin. */
export function* gifFrames(bytes: Uint8Array): Generator<number, undefined> {
  let at = 13 + colourTableBytes(u8(bytes, 10))
  while (at < bytes.length) {
    const block = bytes[at]
    if (block === 0x21) at += 2
    else if (block === 0x2c) {
      yield at
      at += 11 + colourTableBytes(u8(bytes, at + 9))
    } else return
    while (at < bytes.length && bytes[at] !== 0) at += bytes[at]! + 1
    at++
  }
}

function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** (1 + (flags & 7)) : 0
}

/** The screen, which the decoder keeps beside what it gives. */
const RGBA_BYTES = 4

/** Room for a profile and comments before the first frame; bounds what is looked at. */
const MAX_HEAD_BYTES = 4 * 2 ** 20
