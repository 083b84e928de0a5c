import type { PictureFormat } from './format.js'
import { greyFromRgb } from './grey.js'
import type { Picture } from './picture.js'
import { readFacts } from './picture-facts.js'
import { decodeRgb } from './rgb.js'
import { type PixelStats, pixelStats } from './stats/pixel-stats.js'
import { laplacianVariance } from './stats/sharpness.js'

/** What a picture is and how it looks; the fields are always in this order. */
export interface PictureStats extends PixelStats {
  format: PictureFormat
  /** In pixels, upright by the EXIF orientation; of one frame. */
  width: number
  height: number
  /** As decoded, alpha included. */
  channels: number
  /** Bits of a sample, as stored. */
  bitDepth: number
  /** Frames of an animation, pages of a TIFF. */
  pages: number
  /** Length of the encoded picture. */
  bytes: number
  /** The variance of the Laplacian of luminance. */
  sharpness: number
}

/**
 * Measures a picture: of its first frame, upright, in sRGB of 8 bits, transparency on white. Numbers are rounded to
 * four digits behind the point.
 * @throws PictureError when it can't be decoded, LimitError when it is over a limit.
 */
export async function stats(picture: Picture): Promise<PictureStats> {
  const { format, width, height, channels, bitDepth, pages } = await readFacts(picture)
  const pixels = await decodeRgb(picture)
  const grey = greyFromRgb(pixels)
  const measured = pixelStats(pixels, grey.data)
  return {
    ...{ format, width, height, channels, bitDepth, pages, bytes: picture.bytes.length },
    mean: rounded(measured.mean),
    deviation: rounded(measured.deviation),
    sharpness: round(laplacianVariance(grey)),
    exposure: rounded(measured.exposure),
    colourfulness: round(measured.colourfulness),
  }
}

const TEN_THOUSAND = 1e4

function round(value: number): number {
  return Math.round(value * TEN_THOUSAND) / TEN_THOUSAND
}

function rounded<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round(value)])) as T
}
