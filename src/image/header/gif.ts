import { type HeaderReader, u16le } from './picture-header.js'

/**
 *     'GIF87a' or 'GIF89a', screen width u16le, screen height u16le
 *
 * Decoders give RGBA, or RGB when no frame is transparent; which, is told only by each frame.
 */
export const readGifHeader: HeaderReader = (bytes) => ({
  width: u16le(bytes, 6),
  height: u16le(bytes, 8),
  bitDepth: 8,
  channels: 4,
  hasProfile: false,
})
