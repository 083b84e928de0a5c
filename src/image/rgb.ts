import { gated } from './decode-gate.js'
import type { Picture } from './picture.js'
import { pictureError } from './picture-error.js'
import { loadSharp } from './sharp.js'

/** Decoded pixels, row by row without padding. */
export interface RgbPixels {
  readonly width: number
  readonly height: number
  /** width * height * 3 bytes. */
  readonly data: Uint8Array
}

export const RGB_CHANNELS = 3

export interface DecodeOptions {
  /** Size that the pixels come in. @default the picture's own */
  box?: {
    /** In pixels. */
    width: number
    height: number
    /** Whether the picture is stretched to the box or fills it and is cropped. */
    fit: 'fill' | 'cover'
  }
  /** CSS colour that shows through transparency. @default 'white' */
  background?: string
}

/**
 * Decodes a picture: upright, 8-bit sRGB, three channels also where it is grey.
 * @throws PictureError when it can't be decoded, LimitError when it is over a limit.
 */
export async function decodeRgb(picture: Picture, options: DecodeOptions = {}): Promise<RgbPixels> {
  const { box, background = 'white' } = options
  const upright = picture.pipeline()
  const sized = box ? upright.resize(box.width, box.height, { fit: box.fit }) : upright
  const pipeline = sized.flatten({ background }).toColourspace('srgb').raw()
  try {
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, data }
  } catch (error) {
    throw pictureError(picture.key, error)
  }
}

/**
 * Encodes pixels.
 * @param quality of JPEG, WebP and AVIF, 1 to 100
 */
export function encodeRgb(
  { width, height, data }: RgbPixels,
  format: 'jpeg' | 'png' | 'webp' | 'avif',
  quality = 80,
): Promise<Uint8Array> {
  const pipeline = gated(loadSharp()(data, { raw: { width, height, channels: RGB_CHANNELS } }))
  return (format === 'png' ? pipeline.png() : pipeline.toFormat(format, { quality })).toBuffer()
}
