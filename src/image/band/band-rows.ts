import { PictureError } from '../../errors.js'
import type { Band } from './band.js'

/** Rows of a picture in the making: what becomes of a band's own rows. */
export interface BandRows {
  /** Of the whole result, in pixels. */
  readonly width: number
  readonly height: number
  /** Where these rows begin in it. A result of fewer rows than there are bands has bands without any. */
  readonly top: number
  /** Grey, RGB or RGBA. */
  readonly channels: 1 | 3 | 4
  /** Of a sample. With 1 there are eight grey pixels in a byte, the leftmost in the highest bit, rows padded with 0. */
  readonly bits: 1 | 8
  /** Row by row without padding. */
  readonly data: Uint8Array
  /** What must be known of all bands before the first row of any is joined, such as a histogram. @default nothing */
  readonly ahead?: Uint8Array
}

/** The layout of rows, without the rows. */
export type RowsLayout = Pick<BandRows, 'width' | 'height' | 'channels' | 'bits'>

/** A picture whose bands come one after the other from the top: all of it, or reading its rows throws. */
export interface JoinedPicture extends RowsLayout {
  readonly key: string
  /** What each band sent ahead of its rows, from the top; nothing where they sent none. */
  readonly ahead: readonly Uint8Array[]
  /** Whole rows in their order, a few at a time; to be read once. Not to be kept: the next ones may take their place. */
  readonly rows: AsyncIterable<Uint8Array>
}

/** Bytes of a row. */
export function rowBytesOf({ width, channels, bits }: RowsLayout): number {
  return Math.ceil((width * channels * bits) / 8)
}

/** How many rows there are. */
export function rowCount(rows: BandRows): number {
  return rows.data.length / rowBytesOf(rows)
}

/**
 * A band's own rows, of pixels that stand for all rows that it reads: what a filter leaves that keeps the size.
 * @param pixels of 8 bits a sample
 */
export function ownRows(
  { width, height, top, bottom, readTop, readBottom }: Band,
  { data, channels }: { data: Uint8Array; channels: number },
): BandRows {
  const rowBytes = width * channels
  if (data.length !== rowBytes * (readBottom - readTop) || ![1, 3, 4].includes(channels)) {
    throw new PictureError(
      `Cannot cut out rows ${top} to ${bottom}: there are ${data.length} bytes for ${width} x ${readBottom - readTop} pixels of ${channels} samples; a filter must keep the size, and give 1, 3 or 4 samples of 8 bits`,
    )
  }
  return {
    width,
    height,
    top,
    channels: channels as BandRows['channels'],
    bits: 8,
    data: data.subarray((top - readTop) * rowBytes, (bottom - readTop) * rowBytes),
  }
}
