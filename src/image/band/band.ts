/**
 * The part of a picture that a map task got, in rows of the upright picture. A picture of few pixels comes as one
 * band that is all of it.
 */
export interface Band {
  /** Where the picture stands in the input: it tells pictures of the same key apart, and sorts as they came. */
  readonly place: string
  /** Which band, from 0 at the top. */
  readonly index: number
  /** Bands of the picture. */
  readonly count: number
  /** The rows that are this band's own: [top, bottom). No row is two bands' own. */
  readonly top: number
  readonly bottom: number
  /** The rows that the decoded picture has, the band's own and its neighbours': [readTop, readBottom). */
  readonly readTop: number
  readonly readBottom: number
  /** Rows on either side that the job asked for; at the picture's own edges there are none. */
  readonly overlap: number
  /** Of the whole picture, in pixels. */
  readonly width: number
  readonly height: number
}

/** How a picture is cut. All bands follow from it. Rows are counted as they are stored. */
export interface BandLayout {
  readonly width: number
  readonly height: number
  /** Own rows of each band; the last has the rest. */
  readonly rows: number
  /** Rows that can only be read together, such as those of a strip or of a row of tiles. */
  readonly align: number
  readonly overlap: number
  /** Whether the stored rows run from the bottom of the upright picture to its top. */
  readonly isUpsideDown: boolean
}

/**
 * Divides a picture into bands of about as many pixels, at boundaries where it can be read.
 * @param bandPixels pixels of a band's own rows, at the most where `align` allows
 */
export function layBands(
  size: { width: number; height: number; align: number; isUpsideDown: boolean },
  bandPixels: number,
  overlap: number,
): BandLayout {
  const { width, height, align } = size
  const most = Math.max(1, Math.floor(bandPixels / width / align)) * align
  const even = Math.ceil(height / Math.ceil(height / most) / align) * align
  return { ...size, rows: Math.min(height, even), overlap }
}

export function bandCount({ height, rows }: BandLayout): number {
  return Math.ceil(height / rows)
}

/** @param index from 0 at the top of the upright picture */
export function bandAt(layout: BandLayout, index: number, place: string): Band {
  const { width, height, rows, align, overlap, isUpsideDown } = layout
  const count = bandCount(layout)
  const stored = isUpsideDown ? count - 1 - index : index
  const own = { start: stored * rows, end: Math.min(height, (stored + 1) * rows) }
  const read = {
    start: Math.floor(Math.max(0, own.start - overlap) / align) * align,
    end: Math.min(height, Math.ceil(Math.min(height, own.end + overlap) / align) * align),
  }
  const upright = ({ start, end }: typeof own) =>
    isUpsideDown ? [height - end, height - start] : [start, end]
  const [top, bottom] = upright(own) as [number, number]
  const [readTop, readBottom] = upright(read) as [number, number]
  return { place, index, count, top, bottom, readTop, readBottom, overlap, width, height }
}

/** A picture in one piece. */
export function wholeBand(place: string, width: number, height: number): Band {
  const rows = { top: 0, bottom: height, readTop: 0, readBottom: height }
  return { place, index: 0, count: 1, ...rows, overlap: 0, width, height }
}

/** The stored rows that a band reads. */
export function storedRows({ height, isUpsideDown }: BandLayout, { readTop, readBottom }: Band) {
  return isUpsideDown
    ? { start: height - readBottom, end: height - readTop }
    : { start: readTop, end: readBottom }
}

/** What a band is called: `scan.tif#band-0003`. */
export function bandName(key: string, index: number): string {
  return `${key}#band-${String(index).padStart(4, '0')}`
}

/** The picture's key, of what may be the name of a band. */
export function pictureOfBand(name: string): string {
  return name.replace(/#band-\d{4,}$/, '')
}
