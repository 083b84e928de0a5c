import { type EncodingOptions, encode, readEncoding, targetOf } from './encode.js'
import type { Size } from './fitted-size.js'
import { checkMadeSize } from './made-size.js'
import type { Picture } from './picture.js'
import { readFacts } from './picture-facts.js'

export interface RotateOptions extends EncodingOptions {
  /** In degrees clockwise, -360 to 360; other than a multiple of 90 the corners show the background. @default 0 */
  angle?: number
  /** Whether the picture is mirrored top to bottom, before it is turned. @default false */
  flip?: boolean
  /** Whether the picture is mirrored left to right, before it is turned. @default false */
  flop?: boolean
}

/**
 * A picture turned and mirrored: first upright by its EXIF orientation, then mirrored, then turned. Multiples of 90
 * degrees move pixels and change none; other angles enlarge the picture to hold all of itself, and interpolate
 * between the four nearest pixels. In sRGB or grey, the first frame of an animation. The same picture and options
 * give the same bytes.
 * @returns the encoded picture.
 * @throws PictureError when the picture can't be decoded, LimitError when it is or would be over a limit, UsageError
 *   when an option is out of its range.
 */
export async function rotate(picture: Picture, options: RotateOptions = {}): Promise<Uint8Array> {
  const encoding = readEncoding('rotate pictures', options)
  const { angle = 0, flip = false, flop = false } = options
  if (!(Math.abs(angle) <= FULL_TURN)) {
    throw encoding.check.wrong('angle', angle, `a number from ${-FULL_TURN} to ${FULL_TURN}`)
  }
  const { background } = encoding
  const facts = await readFacts(picture)
  checkMadeSize(picture.key, turnedSize(facts, angle), picture.limits)
  const target = targetOf(encoding, facts)
  return encode(picture, encoding, target, (source) =>
    source.pipeline().flip(flip).flop(flop).rotate(angle, { background }),
  )
}

const FULL_TURN = 360

/** The box around a turned one, give or take a pixel. */
function turnedSize({ width, height }: Size, angle: number): Size {
  const radians = (angle * Math.PI) / (FULL_TURN / 2)
  const [sine, cosine] = [Math.abs(Math.sin(radians)), Math.abs(Math.cos(radians))]
  return {
    width: Math.round(width * cosine + height * sine),
    height: Math.round(width * sine + height * cosine),
  }
}
