import type { Sharp } from 'sharp'
import { gated } from '../decode-gate.js'
import { type Encoding, type EncodingOptions, readEncoding, written } from '../encode.js'
import { pictureError } from '../picture-error.js'
import { loadSharp } from '../sharp.js'
import type { JoinedPicture } from './band-rows.js'
import { writeRows } from './rows-file.js'
import { withScratchFile } from './scratch-file.js'

/** The formats that a picture of bands can be written in. */
export const BAND_FORMATS = ['png', 'jpeg', 'webp', 'tiff', 'avif'] as const

/** How a picture that was joined is written; more is told in {@link EncodingOptions}. */
export type BandEncodingOptions = Pick<
  EncodingOptions,
  'quality' | 'lossless' | 'progressive' | 'chroma' | 'tiffCompression'
> & {
  /** @default 'png' */
  format?: (typeof BAND_FORMATS)[number]
}

/**
 * Encodes a picture whose bands are being joined. Its rows go through a temporary file, from which libvips reads them
 * a few at a time.
 * @throws PictureError when the format can't hold the picture, UsageError when an option is out of its range.
 */
export async function encodeRows(
  picture: JoinedPicture,
  options: BandEncodingOptions = {},
): Promise<Uint8Array> {
  const encoding = readEncoding('encode bands', { format: 'png', ...options }, BAND_FORMATS) as Encoding & {
    format: (typeof BAND_FORMATS)[number]
  }
  const { format } = encoding
  const isGrey = picture.channels === 1 && format !== 'webp' && format !== 'avif'
  return throughFile(picture, (rows) =>
    written(isGrey ? rows.toColourspace('b-w') : rows, encoding, { format }).toBuffer(),
  )
}

/** Encodes rows of bits as a TIFF, as `binarize` encodes a black and white picture. */
export function encodeFaxRows(picture: JoinedPicture): Promise<Uint8Array> {
  return throughFile(picture, (rows) =>
    rows.toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1 }).toBuffer(),
  )
}

function throughFile(
  picture: JoinedPicture,
  encode: (rows: Sharp) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  return withScratchFile(async ({ handle, path }) => {
    await writeRows(handle, picture)
    const options = { sequentialRead: true, limitInputPixels: false, failOn: 'warning' } as const
    return encode(gated(loadSharp()(path, options))).catch((error) => {
      throw pictureError(picture.key, error)
    })
  })
}
