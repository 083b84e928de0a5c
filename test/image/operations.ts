import { convert } from '../../src/image/convert.js'
import { crop } from '../../src/image/crop.js'
import type { Picture } from '../../src/image/picture.js'
import { resize } from '../../src/image/resize.js'
import { rotate } from '../../src/image/rotate.js'
import { thumbnail } from '../../src/image/thumbnail.js'

/** What makes a PNG of all of an upright picture of this size, each in its own way. */
export const WHOLE_PICTURE: Record<
  string,
  (picture: Picture, size: { width: number; height: number }) => Promise<Uint8Array>
> = {
  thumbnail: (picture, { width, height }) => thumbnail(picture, { width, height, format: 'png' }),
  resize: (picture) => resize(picture, { scale: 100, format: 'png' }),
  crop: (picture, size) => crop(picture, { ...size, format: 'png' }),
  rotate: (picture) => rotate(picture, { format: 'png' }),
  convert: async (picture) => (await convert(picture, { format: 'png' }))[0]!.bytes,
}
