import type { Sharp } from 'sharp'
import { PictureError } from '../errors.js'
import { type EncodingOptions, encode, readEncoding, targetOf } from './encode.js'
import type { Size } from './fitted-size.js'
import type { Picture } from './picture.js'
import { readFacts } from './picture-facts.js'
import { MAX_SIDE } from './resize.js'

export const CROP_POSITIONS = ['centre', 'attention', 'entropy'] as const

export interface CropOptions extends EncodingOptions {
  /** Of the box, in pixels, 1 to 65535. */
  width: number
  /** Of the box, in pixels, 1 to 65535. */
  height: number
  /** Left edge of the box in the upright picture, in pixels from 0. @default 0 where `top` is given */
  left?: number
  /** Upper edge of the box in the upright picture, in pixels from 0. @default 0 where `left` is given */
  top?: number
  /**
   * Where a box without edges lies: in the middle; where libvips finds edges, skin and saturated colours
   * (`attention`); or where the histogram says most (`entropy`). @default 'centre'
   */
  position?: (typeof CROP_POSITIONS)[number]
  /** Whether of a box that goes beyond the picture the part inside is taken. @default false, which is an error */
  clip?: boolean
}

/**
 * A part of a picture, pixel by pixel: of the picture once it is upright by its EXIF orientation, in sRGB or grey, the
 * first frame of an animation. The same picture and options give the same bytes.
 * @returns the encoded part.
 * @throws PictureError when the picture can't be decoded or the box goes beyond it, LimitError when it is over a
 *   limit, UsageError when an option is out of its range.
 */
export async function crop(picture: Picture, options: CropOptions): Promise<Uint8Array> {
  const encoding = readEncoding('crop pictures', options)
  const { check } = encoding
  const { position = 'centre', clip = false } = options
  check.oneOf('position', position, CROP_POSITIONS)
  check.wholeNumber('width', options.width, 1, MAX_SIDE)
  check.wholeNumber('height', options.height, 1, MAX_SIDE)
  const hasEdges = options.left !== undefined || options.top !== undefined
  if (hasEdges && position !== 'centre') {
    throw check.wrong('position', position, 'none beside the edges of a box')
  }
  const { left = 0, top = 0 } = options
  check.wholeNumber('left', left, 0, Number.MAX_SAFE_INTEGER)
  check.wholeNumber('top', top, 0, Number.MAX_SAFE_INTEGER)

  const facts = await readFacts(picture)
  const asked = { left, top, width: options.width, height: options.height }
  const box = clip ? clipped(asked, facts) : asked
  if (isOutside(box, facts)) throw outside(picture.key, hasEdges, asked, facts)
  const cut = (pipeline: Sharp) => {
    if (hasEdges) return pipeline.extract(box)
    if (position === 'centre') return pipeline.extract(centred(box, facts))
    return pipeline.resize({ ...sizeOf(box), position, fit: 'cover', ...UNSCALED })
  }
  const target = targetOf(encoding, facts)
  return encode(picture, encoding, target, (source) => cut(source.pipeline()))
}

interface Box extends Size {
  readonly left: number
  readonly top: number
}

/** sharp chooses a part only where it resizes; so it crops, and the scale stays. */
const UNSCALED = { withoutEnlargement: true, withoutReduction: true } as const

function sizeOf({ width, height }: Box): Size {
  return { width, height }
}

function centred(box: Box, { width, height }: Size): Box {
  return {
    ...box,
    left: Math.floor((width - box.width) / 2),
    top: Math.floor((height - box.height) / 2),
  }
}

function clipped(box: Box, { width, height }: Size): Box {
  return {
    ...box,
    width: Math.min(box.width, width - box.left),
    height: Math.min(box.height, height - box.top),
  }
}

/** A box that was clipped to nothing is outside too. */
function isOutside({ left, top, width, height }: Box, size: Size): boolean {
  return width < 1 || height < 1 || left + width > size.width || top + height > size.height
}

function outside(
  key: string,
  hasEdges: boolean,
  { left, top, width, height }: Box,
  size: Size,
): PictureError {
  const box = `the box of ${width} x ${height} pixels${hasEdges ? ` at ${left}, ${top}` : ''}`
  const isApart = left >= size.width || top >= size.height
  const fault = isApart ? 'lies beyond' : 'goes beyond'
  const mend = isApart ? '' : '; --clip takes the part inside'
  return new PictureError(
    `Cannot crop "${key}": ${box} ${fault} its ${size.width} x ${size.height} pixels${mend}`,
    { details: { key } },
  )
}
