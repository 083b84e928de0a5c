import type { Metadata, Sharp, SharpOptions } from 'sharp'
import type { Band } from './band/band.js'
import { checkDecodable, checkSamples, checkWhole } from './decodable.js'
import { gated } from './decode-gate.js'
import { type PictureHeader, readHeader } from './header.js'
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
  /** Of a job whose input is {@link bandedPictures}: which rows of the picture these are. */
  readonly band: Band | undefined

  constructor(key: string, bytes: Uint8Array, limits: ImageLimits = DEFAULT_LIMITS, band?: Band) {
    this.key = key
    this.bytes = bytes
    this.limits = limits
    this.band = band
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
    const header = readHeader(this.bytes)
    checkSamples(this.key, header)
    if (options.failOn !== 'none') checkWhole(this.key, this.bytes)
    const pipeline = loadSharp()(this.bytes, {
      autoOrient: true,
      failOn: 'warning',
      sequentialRead: true,
      limitInputPixels: this.limits.maxPixels,
      ...options,
    })
    const isDeepAndProfiled = header !== undefined && header.bitDepth > 8 && header.hasProfile
    return gated(isDeepAndProfiled && !options.ignoreIcc ? honouringProfile(pipeline, header) : pipeline)
  }
}

/**
 * sharp works on profiled pictures of 16 bits in Display P3 and would write those numbers out as if they were sRGB;
 * such a picture must be told its output profile. Untagged ones must not: sharp would take them for Display P3. Of
 * grey ones of 16 bits it passes the profile over, which it does not at 8 bits.
 */
function honouringProfile(pipeline: Sharp, { channels }: PictureHeader): Sharp {
  return channels <= MAX_GREY_CHANNELS
    ? pipeline.pipelineColourspace('b-w')
    : pipeline.withIccProfile('srgb', { attach: false })
}

/** Grey, and alpha. */
const MAX_GREY_CHANNELS = 2
