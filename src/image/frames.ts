import type { PictureFormat } from './format.js'
import { gifFrames } from './header/gif.js'
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

function countGifFrames(bytes: Uint8Array, atMost: number): number {
  let count = 0
  for (const _ of gifFrames(bytes)) if (++count >= atMost) break
  return count
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
