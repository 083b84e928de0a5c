import { type PictureFormat, sniffFormat } from './format.js'
import { type Picture, pictureError } from './picture.js'

/** What is known of a picture before its pixels are decoded. */
export interface PictureFacts {
  readonly format: PictureFormat
  /** In pixels, once it is upright by its EXIF orientation; of one frame. */
  readonly width: number
  readonly height: number
  /** As decoded, alpha included. */
  readonly channels: number
  /** Of one sample, as stored: 1, 8, 16 and so on. */
  readonly bitDepth: number
  readonly isGrey: boolean
  readonly hasAlpha: boolean
  /** Whether EXIF says that the picture is to be turned or mirrored. */
  readonly isTurned: boolean
  /** Frames of an animation, pages of a TIFF. */
  readonly pages: number
  /** In pixels an inch; undefined when the picture does not say. */
  readonly density: number | undefined
}

/** What libvips calls pictures of one channel. */
const GREY_SPACES: ReadonlySet<string | undefined> = new Set(['b-w', 'grey16'])

/**
 * Reads a picture's header.
 * @param page from 0, whose facts they are
 * @throws PictureError when it can't be read, LimitError when the picture is over a limit.
 */
export async function readFacts(picture: Picture, page = 0): Promise<PictureFacts> {
  // Nothing but the header is read: damage behind it is no matter here.
  const pipeline = picture.pipeline({ failOn: 'none', page })
  const metadata = await pipeline.metadata().catch((error) => {
    throw pictureError(picture.key, error)
  })
  return {
    format: sniffFormat(picture.bytes)!,
    ...metadata.autoOrient,
    channels: metadata.channels,
    bitDepth: metadata.bitsPerSample ?? (metadata.depth === 'uchar' ? 8 : 16),
    isGrey: GREY_SPACES.has(metadata.space),
    hasAlpha: metadata.hasAlpha,
    isTurned: (metadata.orientation ?? 1) !== 1,
    pages: metadata.pages ?? 1,
    density: metadata.density,
  }
}
