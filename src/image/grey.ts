import { readHeader } from './header.js'
import type { Picture } from './picture.js'
import { pictureError } from './picture-error.js'
import { decodeRgb, RGB_CHANNELS, type RgbPixels } from './rgb.js'
import { CHUNK_PIXELS, kernelMemory, kernels } from './simd/kernels.js'
import { newLayout } from './simd/layout.js'

/** Grey pixels of 8 bits, row by row without padding. */
export interface GreyPixels {
  readonly width: number
  readonly height: number
  /** width * height bytes. */
  readonly data: Uint8Array
}

/**
 * Decodes a picture: upright, its sRGB as grey ({@link greyFromRgb}), transparency on white, the first frame of an
 * animation. sharp could make it grey itself, at half the speed of its decoding.
 * @throws PictureError when it can't be decoded, LimitError when it is over a limit.
 */
export async function decodeGrey(picture: Picture): Promise<GreyPixels> {
  if (!isStoredGrey(picture.bytes)) {
    const colours = await decodeRgb(picture)
    // In the place of the colours: each large buffer that is made brings the next garbage collection nearer.
    return greyFromRgb(colours, colours.data.subarray(0, colours.width * colours.height))
  }
  // Red, green and blue are the same, and the grey of them is too.
  const pipeline = picture.pipeline().flatten({ background: 'white' }).toColourspace('srgb').extractChannel(0)
  try {
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, data }
  } catch (error) {
    throw pictureError(picture.key, error)
  }
}

function isStoredGrey(bytes: Uint8Array): boolean {
  const header = readHeader(bytes)
  return header !== undefined && header.channels <= GREY_AND_ALPHA
}

const GREY_AND_ALPHA = 2

/**
 * RGB to grey: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in whole numbers and rounded as OpenCV does it.
 * @param grey what it is written to; may be the beginning of the colours
 */
export function greyFromRgb(
  { width, height, data }: RgbPixels,
  grey: Uint8Array = new Uint8Array(width * height),
): GreyPixels {
  const layout = newLayout()
  const from = layout.place(CHUNK_PIXELS * RGB_CHANNELS)
  const to = layout.place(CHUNK_PIXELS)
  const memory = new Uint8Array(kernelMemory(layout.length))
  for (let start = 0; start < grey.length; start += CHUNK_PIXELS) {
    const pixels = Math.min(CHUNK_PIXELS, grey.length - start)
    memory.set(data.subarray(start * RGB_CHANNELS, (start + pixels) * RGB_CHANNELS), from)
    kernels().rgbToGrey(from, to, pixels)
    grey.set(memory.subarray(to, to + pixels), start)
  }
  return { width, height, data: grey }
}
