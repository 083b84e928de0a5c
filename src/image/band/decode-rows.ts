import { gated } from '../decode-gate.js'
import type { ImageLimits } from '../limits.js'
import { pictureError } from '../picture-error.js'
import { loadSharp } from '../sharp.js'

/** From here on offsets of 32 bits may not reach. */
const BIG_TIFF_BYTES = 2 ** 31

/**
 * Decodes some rows of a picture file to an uncompressed TIFF, from the top down and a few rows in memory at a time.
 * Its pixels are as they are stored, with their profile, not yet turned upright; those of a CMYK picture are sRGB.
 * @param key of the picture, for messages
 * @param rows of the stored picture: [start, end)
 * @param target where the TIFF is written; what is there is replaced.
 * @throws PictureError when these rows or those above can't be decoded, LimitError when the picture is over a limit.
 */
export async function decodeRows(
  key: string,
  path: string,
  rows: { start: number; end: number },
  target: string,
  limits: ImageLimits,
): Promise<void> {
  const options = {
    autoOrient: false,
    failOn: 'warning',
    sequentialRead: true,
    limitInputPixels: limits.maxPixels,
  } as const
  try {
    const header = await loadSharp()(path, options).metadata()
    const { width, space, channels, depth } = header
    const part = { left: 0, top: rows.start, width, height: rows.end - rows.start }
    const bytes = width * part.height * channels * (depth === 'uchar' ? 1 : 2)
    const isPlain = space in DEEP
    const read = gated(loadSharp()(path, { ...options, ignoreIcc: isPlain })).extract(part)
    const kept = isPlain
      ? read.keepIccProfile().toColourspace(depth === 'uchar' ? space : DEEP[space as keyof typeof DEEP])
      : read
    await kept.tiff({ compression: 'none', bigtiff: bytes > BIG_TIFF_BYTES }).toFile(target)
  } catch (error) {
    throw pictureError(key, error)
  }
}

/** The colour spaces that a TIFF keeps as they are, and what they are called with 16 bits. */
const DEEP = { srgb: 'rgb16', rgb: 'rgb16', rgb16: 'rgb16', 'b-w': 'grey16', grey16: 'grey16' } as const
