import type { Picture } from './picture.js'
import { decodeRgb, encodeRgb } from './rgb.js'

export interface MeanOptions {
  /** Size that all pictures are brought to, in pixels. */
  width: number
  height: number
  /** Whether a picture is stretched to that size, or fills it and is cropped. */
  fit: 'fill' | 'cover'
}

/**
 * What a picture adds to a mean: 1 for itself, then its samples (RGB, row by row) in that size. Such
 * vectors are summed; sums of whole numbers are the same in any order.
 * @throws PictureError when it can't be decoded, LimitError when it is over a limit.
 */
export async function meanSummand(picture: Picture, options: MeanOptions): Promise<Uint8Array> {
  const { data } = await decodeRgb(picture, { box: options })
  const summand = new Uint8Array(1 + data.length)
  summand[0] = 1
  summand.set(data, 1)
  return summand
}

/**
 * The mean of the pictures whose {@link meanSummand}s were summed, rounded to 8 bits.
 * @returns a PNG.
 */
export function meanPicture(sums: ArrayLike<number>, options: MeanOptions): Promise<Uint8Array> {
  const { width, height } = options
  const count = sums[0]!
  const data = Uint8Array.from({ length: sums.length - 1 }, (_, at) => Math.round(sums[at + 1]! / count))
  return encodeRgb({ width, height, data }, 'png')
}
