import { UsageError } from '../errors.js'
import { binarizeOtsu } from './binarize/otsu.js'
import { greyFromRgb } from './grey.js'
import { loadOpenCv, type Mat, type OpenCv, withMats } from './opencv.js'
import type { Picture } from './picture.js'
import { pictureError } from './picture-error.js'
import { encodePng1Bit } from './png-1bit.js'
import { decodeRgb } from './rgb.js'

/** Each turns a grey Mat black and white in place. */
const METHODS = {
  otsu: binarizeOtsu,
} as const satisfies Record<string, (cv: OpenCv, grey: Mat) => void>

export const BINARIZE_METHODS: readonly (keyof typeof METHODS)[] = Object.keys(
  METHODS,
) as (keyof typeof METHODS)[]

export interface BinarizeOptions {
  /** How the threshold is found: `otsu`, one for the whole picture. @default 'otsu' */
  method?: keyof typeof METHODS
}

/**
 * A picture in black and white: upright by its EXIF orientation, transparency on white, the first frame of an
 * animation. The same picture and options give the same bytes.
 * @returns a PNG of one bit a pixel.
 * @throws PictureError when the picture can't be decoded, LimitError when it is over a limit, UsageError when the
 *   method is none of {@link BINARIZE_METHODS}.
 */
export async function binarize(picture: Picture, options: BinarizeOptions = {}): Promise<Uint8Array> {
  const { method = 'otsu' } = options
  if (!Object.hasOwn(METHODS, method)) {
    throw new UsageError(
      `Cannot binarize pictures: method is ${JSON.stringify(method)}, expected ${BINARIZE_METHODS.join(', ')}`,
    )
  }
  const [cv, pixels] = await Promise.all([loadOpenCv(), decodeRgb(picture)])
  const { width, height } = pixels
  try {
    return await withMats(cv, (keep) => {
      const grey = keep(new cv.Mat(height, width, cv.CV_8UC1))
      greyFromRgb(cv, pixels, grey)
      METHODS[method](cv, grey)
      // The pixels are packed before this returns, while the Mat still lives.
      return encodePng1Bit(grey.data, width, height)
    })
  } catch (error) {
    throw pictureError(picture.key, error)
  }
}
