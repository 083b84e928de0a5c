import { decodeGrey, type GreyPixels, greyFromRgb } from '../grey.js'
import { type Picture, pictureError } from '../picture.js'
import { readFacts } from '../picture-facts.js'
import type { Samples } from '../resample.js'
import { RGB_CHANNELS } from '../rgb.js'
import { plainPixels } from './plain-pixels.js'

/** A band in grey, as {@link decodeGrey} makes it of the whole picture; not to be written to. */
export async function decodeBandGrey(picture: Picture): Promise<GreyPixels> {
  const plain = plainPixels(picture)
  if (!plain) return decodeGrey(picture)
  return plain.channels === RGB_CHANNELS ? greyFromRgb(plain) : plain
}

/**
 * A band in sRGB, or in grey where the picture is, of 8 bits; not to be written to.
 * @param background CSS colour that shows through transparency
 * @throws PictureError when it can't be decoded.
 */
export async function decodeBandSamples(picture: Picture, background: string): Promise<Samples> {
  const plain = plainPixels(picture)
  if (plain) return plain
  const { isGrey } = await readFacts(picture)
  const pipeline = picture.pipeline().flatten({ background })
  try {
    const colours = pipeline.toColourspace(isGrey ? 'b-w' : 'srgb').raw()
    const { data, info } = await colours.toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, channels: info.channels, data }
  } catch (error) {
    throw pictureError(picture.key, error)
  }
}
