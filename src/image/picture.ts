import type { Metadata, Sharp, SharpOptions } from 'sharp'
import { checkDecodable, checkWhole } from './decodable.js'
import { gated } from './decode-gate.js'
import { readHeader } from './header.js'
import { checkLimits, DEFAULT_LIMITS, type ImageLimits } from './limits.js'
import { pictureError } from './picture-error.js'
import { loadSharp } from './sharp.js'

export { pictureError } from './picture-error.js'

/** sharp's options for reading, without those that make a picture of nothing or lift its guards. */
export type PipelineOptions = Pick<
  SharpOptions,
  'autoOrient' | 'animated' | 'page' | 'pages' | 'failOn' | 'ignoreIcc' | 'sequentialRead' | 'tiff'
>

/** A picture as a job's `map` receives it: a key and bytes that nobody has looked into yet. */
export class Picture {
  readonly key: string
  /** The encoded picture, as stored. Not to be written to. */
  readonly bytes: Uint8Array
  readonly limits: ImageLimits

  constructor(key: string, bytes: Uint8Array, limits: ImageLimits = DEFAULT_LIMITS) {
    this.key = key
    this.bytes = bytes
    this.limits = limits
  }

  /**
   * sharp's metadata: format, size as stored, orientation, profile, EXIF. Decodes the header only.
   * @throws PictureError when there is none to be had, LimitError when the picture is over a limit.
   */
  async metadata(): Promise<Metadata> {
    // Nothing but the header is read: damage behind it is no matter here.
    const pipeline = this.pipeline({ failOn: 'none' })
    try {
      return await pipeline.metadata()
    } catch (error) {
      throw pictureError(this.key, error)
    }
  }

  /**
   * A sharp pipeline that reads this picture: its first frame, turned upright by its EXIF orientation, in sRGB.
   * Any sharp operation may follow. Damage that the decoder notices is thrown when the pipeline runs, in sharp's
   * words; {@link pictureError} puts them into ours. JPEG has no checksum: a flipped bit in it often goes unnoticed.
   * @param options sharp's own for reading. `{ autoOrient: false }` leaves a picture as stored, `{ animated: true }`
   *   reads all frames, `{ failOn: 'truncated' }` tolerates more damage.
   * @throws PictureError at once when the bytes are of no format that can be decoded or a JPEG has no end, LimitError
   *   when the picture is over a limit.
   */
  pipeline(options: PipelineOptions = {}): Sharp {
    checkDecodable(this.key, this.bytes)
    checkLimits(this.key, this.bytes, this.limits)
    if (options.failOn !== 'none') checkWhole(this.key, this.bytes)
    const pipeline = loadSharp()(this.bytes, {
      autoOrient: true,
      failOn: 'warning',
      sequentialRead: true,
      limitInputPixels: this.limits.maxPixels,
      ...options,
    })
    const isToBeTold = isDeepAndProfiled(this.bytes) && !options.ignoreIcc
    return gated(isToBeTold ? pipeline.withIccProfile('srgb', { attach: false }) : pipeline)
  }
}

/**
 * sharp works on profiled pictures of 16 bits in Display P3 and would write those numbers out as if they were sRGB;
 * such a picture must be told its output profile. Untagged ones must not: sharp would take them for Display P3.
 */
function isDeepAndProfiled(bytes: Uint8Array): boolean {
  const header = readHeader(bytes)
  return header !== undefined && header.bitDepth > 8 && header.hasProfile
}
