import { readHeader } from '../header.js'
import { type Picture, pictureError } from '../picture.js'
import type { Samples } from '../resample.js'

export interface DecodeSamplesOptions {
  /**
   * Decodes only so much that the width and height come out at this many pixels each, where the picture is much
   * larger: JPEGs at an eighth, a quarter or half of their size, in less time. @default all pixels
   */
  shortcut?: number
}

/** A shortcut from a picture that is not much larger would only blur it. */
const LEAST_SHRINK = 4

/**
 * Decodes a picture upright, its samples as they are stored: without its ICC profile and whatever its alpha, of 16
 * bits the upper 8, and CMYK as RGB without an ink model. So decodes Pillow, but that it leaves pictures unturned and
 * makes grey ones of 16 bits white above 255.
 * @throws PictureError when it can't be decoded, LimitError when it is over a limit.
 */
export async function decodeSamples(
  picture: Picture,
  { shortcut }: DecodeSamplesOptions = {},
): Promise<Samples> {
  const isCmyk = await isInked(picture)
  const pipeline = picture.pipeline({ ignoreIcc: true })
  if (isCmyk) pipeline.pipelineColourspace('cmyk').toColourspace('cmyk')
  if (shortcut !== undefined && isMuchLarger(picture, shortcut)) {
    pipeline.resize(shortcut, shortcut, { fit: 'fill' })
  }
  try {
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true })
    const { width, height, channels } = info
    return isCmyk ? rgbFromCmyk({ width, height, channels, data }) : { width, height, channels, data }
  } catch (error) {
    throw pictureError(picture.key, error)
  }
}

function isMuchLarger({ bytes }: Picture, shortcut: number): boolean {
  const header = readHeader(bytes)
  return header !== undefined && Math.min(header.width, header.height) >= LEAST_SHRINK * shortcut
}

const CMYK_CHANNELS = 4

/** Four channels may be RGB and alpha as well. */
async function isInked(picture: Picture): Promise<boolean> {
  const header = readHeader(picture.bytes)
  if (header?.channels !== CMYK_CHANNELS || !['jpeg', 'tiff'].includes(header.format)) return false
  return (await picture.metadata()).space === 'cmyk'
}

/** Light that neither the ink nor black takes away. */
function rgbFromCmyk({ width, height, channels, data }: Samples): Samples {
  const rgb = new Uint8Array(width * height * 3)
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const light = 255 - data[from + 3]!
    for (let ink = 0; ink < 3; ink++) rgb[to + ink] = light - timesShare(data[from + ink]!, light)
  }
  return { width, height, channels: 3, data: rgb }
}

/** a * b / 255, rounded. */
function timesShare(a: number, b: number): number {
  const product = a * b + 128
  return ((product >> 8) + product) >> 8
}
