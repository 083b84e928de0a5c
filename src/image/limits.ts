import { LimitError } from '../errors.js'
import { countFrames } from './frames.js'
import { readHeader } from './header.js'

/** What a picture may be. Checked on its header, before anything of it is decoded. */
export interface ImageLimits {
  /**
   * Width times height of one frame, in pixels; all frames together where all are decoded.
   * @default 268402689, 16383 x 16383: sharp's own, some 1 GiB as RGBA
   */
  readonly maxPixels: number
  /** Frames of an animation or pages of a TIFF, whether decoded or not. @default 10000 */
  readonly maxFrames: number
  /** Length of the encoded picture, in bytes. @default 536870912, 512 MiB */
  readonly maxBytes: number
}

export const DEFAULT_LIMITS: ImageLimits = {
  maxPixels: 0x3fff * 0x3fff,
  maxFrames: 10_000,
  maxBytes: 512 * 2 ** 20,
}

/**
 * Checks a picture's header. A header that can't be read passes: the decoder has the pixel limit as well.
 * @throws LimitError naming the value, the limit and its flag.
 */
export function checkLimits(key: string, bytes: Uint8Array, limits: ImageLimits): void {
  if (bytes.length > limits.maxBytes) {
    throw overLimit(key, `it has ${bytes.length} bytes`, bytes.length, limits.maxBytes, '--max-image-bytes')
  }
  const header = readHeader(bytes)
  if (!header) return
  const { width, height, format } = header
  if (width * height > limits.maxPixels) {
    const size = `${width} x ${height} pixels are ${width * height}`
    throw overLimit(key, size, width * height, limits.maxPixels, '--max-pixels')
  }
  const frames = countFrames(bytes, format, limits.maxFrames + 1)
  if (frames > limits.maxFrames) {
    throw overLimit(
      key,
      `it has more than ${limits.maxFrames} frames`,
      frames,
      limits.maxFrames,
      '--max-frames',
    )
  }
}

function overLimit(key: string, found: string, value: number, limit: number, flag: string): LimitError {
  return new LimitError(
    `Cannot decode "${key}": ${found}, the limit is ${limit}; raise ${flag} if you trust the picture`,
    { details: { key, value, limit, flag } },
  )
}
