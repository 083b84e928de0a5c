import { binarized, checkThresholdOptions, separateGrey, type ThresholdOptions } from './binarize/methods.js'
import { gated } from './decode-gate.js'
import { decodeGrey } from './grey.js'
import { optionChecks } from './option-checks.js'
import type { Picture } from './picture.js'
import { pictureError } from './picture-error.js'
import { encodePng1Bit } from './png-1bit.js'
import { loadSharp } from './sharp.js'

export { BINARIZE_METHODS, type BinarizeMethod, type ThresholdOptions } from './binarize/methods.js'

export const BINARIZE_FORMATS = ['png', 'tiff'] as const

export interface BinarizeOptions extends ThresholdOptions {
  /** PNG of one bit a pixel, or TIFF compressed as fax group 4 (CCITT T.6). @default 'png' */
  format?: (typeof BINARIZE_FORMATS)[number]
}

/**
 * A picture in black and white: upright by its EXIF orientation, transparency on white, the first frame of an
 * animation. The same picture and options give the same bytes.
 * @returns a PNG or TIFF of one bit a pixel.
 * @throws PictureError when the picture can't be decoded, LimitError when it is over a limit, UsageError when an
 *   option is out of its range.
 */
export async function binarize(picture: Picture, options: BinarizeOptions = {}): Promise<Uint8Array> {
  const { format = 'png', ...thresholdOptions } = options
  optionChecks('binarize pictures').oneOf('format', format, BINARIZE_FORMATS)
  checkThresholdOptions(thresholdOptions)
  const grey = await decodeGrey(picture)
  try {
    const { width, height } = grey
    const separation = await separateGrey(grey, thresholdOptions)
    return await (format === 'png'
      ? encodePng1Bit(separation.pixels, width, height, separation.threshold)
      : encodeFaxTiff(binarized(separation), width, height))
  } catch (error) {
    throw pictureError(picture.key, error)
  }
}

/** ITU-T Recommendation T.6, Facsimile coding schemes and coding control functions for group 4 (1988). */
function encodeFaxTiff(pixels: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const pipeline = gated(loadSharp()(pixels, { raw: { width, height, channels: 1 } }))
  return pipeline.toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1 }).toBuffer()
}
