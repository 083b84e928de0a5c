import { LimitError } from '../errors.js'
import { sniffFormat } from './format.js'
import { countFrames } from './frames.js'
import { countProgressiveScans } from './header/jpeg.js'
import { pngTextBytes } from './header/png.js'
import { DEFAULT_MAX_PIXELS, readHeader } from './header.js'

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
  maxPixels: DEFAULT_MAX_PIXELS,
  maxFrames: 10_000,
  maxBytes: 512 * 2 ** 20,
}

/**
 * Checks a picture's header. One whose size can't be read passes: the decoder has the pixel limit as well.
 * @throws LimitError naming the value, the limit, and its flag where it has one.
 */
export function checkLimits(key: string, bytes: Uint8Array, limits: ImageLimits): void {
  if (bytes.length > limits.maxBytes) {
    throw overLimit(key, `it has ${bytes.length} bytes`, bytes.length, limits.maxBytes, '--max-image-bytes')
  }
  const header = readHeader(bytes)
  if (header && header.width * header.height > limits.maxPixels) {
    const { width, height } = header
    const size = `${width} x ${height} pixels are ${width * height}`
    throw overLimit(key, size, width * height, limits.maxPixels, '--max-pixels')
  }
  const format = sniffFormat(bytes)
  if (!format) return
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
  if (format === 'jpeg' && countProgressiveScans(bytes, MAX_SCANS + 1) > MAX_SCANS) {
    throw overLimit(key, `it has more than ${MAX_SCANS} scans`, MAX_SCANS + 1, MAX_SCANS)
  }
  const textBytes = format === 'png' ? pngTextBytes(bytes) : 0
  if (textBytes > MAX_TEXT_BYTES) {
    throw overLimit(key, `its texts may unpack to ${textBytes} bytes`, textBytes, MAX_TEXT_BYTES)
  }
}

/**
 * Scans of a progressive JPEG: a few bytes make the decoder go over the whole picture once more. Encoders write some
 * ten; the tools of the Independent JPEG Group take scripts of no more than this.
 */
const MAX_SCANS = 100

/** What the compressed texts of a PNG may become. libpng and libvips hold them several times over. */
const MAX_TEXT_BYTES = 128 * 2 ** 20

/** @param flag that raises the limit, where one does */
function overLimit(key: string, found: string, value: number, limit: number, flag?: string): LimitError {
  const mend = flag ? `; raise ${flag} if you trust the picture` : ''
  return new LimitError(`Cannot decode "${key}": ${found}, the limit is ${limit}${mend}`, {
    details: { key, value, limit, ...(flag ? { flag } : {}) },
  })
}
