import type { Sharp } from 'sharp'
import { gated } from './decode-gate.js'
import { sniffFormat } from './format.js'
import { checkLimits } from './limits.js'
import { Picture } from './picture.js'
import { pictureError } from './picture-error.js'
import { loadSharp, unblockSvg } from './sharp.js'

/**
 * Draws an SVG as a PNG of its own size, a pixel for each of its units, transparent where nothing is drawn; a picture
 * of any other format is returned as it is. librsvg opens no other files and no addresses for an SVG that is not a
 * file itself, runs no scripts, and limits entities and references; the pixel limit holds for the size drawn. Filters
 * may still take minutes: drawings from strangers belong into `--isolation process` with a `--record-timeout`.
 * @throws PictureError when it can't be drawn, LimitError when it is over a limit.
 */
export async function drawnSvg(picture: Picture): Promise<Picture> {
  const { key, bytes, limits } = picture
  if (sniffFormat(bytes) !== 'svg') return picture
  checkLimits(key, bytes, limits)
  for (let attempt = 1; ; attempt++) {
    unblockSvg()
    try {
      const drawing = gated(loadSharp()(bytes, { limitInputPixels: limits.maxPixels }))
      return new Picture(key, await quickPng(drawing).toBuffer(), limits)
    } catch (error) {
      if (attempt < MAX_ATTEMPTS && isBlocked(error)) continue
      throw pictureError(key, error)
    }
  }
}

/** Each thread that loads sharp meanwhile blocks SVG once more, for the whole process: one attempt may be lost to it. */
const MAX_ATTEMPTS = 100

function isBlocked(error: unknown): boolean {
  return (
    error instanceof Error && /unsupported image format|not in a known format|is blocked/.test(error.message)
  )
}

/** It is read again at once. */
function quickPng(pipeline: Sharp): Sharp {
  return pipeline.png({ compressionLevel: 1 })
}
