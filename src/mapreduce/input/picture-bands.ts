import { UserCodeError } from '../../errors.js'
import { bandAt, bandCount, bandName, layBands, pictureOfBand } from '../../image/band/band.js'
import { type PictureLayout, readPictureLayout } from '../../image/band/picture-layout.js'
import type { RangeReader } from '../../image/band/range-reader.js'
import type { ImageLimits } from '../../image/limits.js'
import { inOrder } from './in-order.js'
import type { BandsDefinition } from './input-definition.js'
import type { InputSplit, MapFileSplit, PictureBandsSplit, PictureFilesSplit } from './input-format.js'
import {
  LastMapFile,
  type LocatedRecord,
  recordsInListing,
  recordsInMapFile,
} from './picture-band-records.js'

/*
 * Splits of pictures of many pixels. A picture's bands become splits of their own, in the place of its record; the
 * records around it stay the splits that they were, divided there. What can't be cut stays a record among them:
 *
 *   pictures of other formats than JPEG, PNG and TIFF, whose decoders take all of a picture at once
 *   those that EXIF turns by a quarter, whose rows are stored as columns
 *   those over a limit: they are refused as ever, once
 *   records of SequenceFiles, of compressed MapFiles, and of MapFiles that index every so many records
 */

/**
 * Encoded pictures of fewer bytes a pixel than this are not looked into: 250 kB for bands of 16 megapixels. One that
 * does have more pixels is worked on in one piece.
 */
const LEAST_BYTES_A_PIXEL = 1 / 64

/** Headers that are read at once. */
const HEADERS_AT_ONCE = 8

/**
 * Tasks of a picture that must be decoded from the top: each decodes what is above its own rows for nothing, so that
 * more of them take little less time and much more work.
 */
const TOP_DOWN_TASKS = 4

/** A strip or a row of tiles may have as many times the pixels of a band; beyond, the picture is decoded from the top. */
const MOST_BANDS_A_STRIP = 4

/** EXIF orientations from here on turn by a quarter. */
const QUARTER_TURNS = 5
const UPSIDE_DOWN: ReadonlySet<number> = new Set([3, 4])

export interface CutOptions {
  /** Number of the input among those of the job. */
  input: number
  bands: BandsDefinition
  /** The job's, complete. */
  params: unknown
  limits: ImageLimits
  /** The only records that matter, by their keys or those of their bands. @default all */
  only: readonly string[] | undefined
}

/** The splits of an input, with the bands of pictures of many pixels in splits of their own. */
export async function* cutIntoBands(
  splits: AsyncIterable<InputSplit>,
  options: CutOptions,
): AsyncIterable<InputSplit> {
  await using files = new LastMapFile()
  for await (const given of splits) {
    const split = { ...given, input: options.input }
    if (split.kind === 'picture-files') yield* cutSplit(split, recordsInListing(split), options)
    else if (split.kind === 'map-file') yield* cutSplit(split, recordsInMapFile(split, files), options)
    else yield split
  }
}

async function* cutSplit(
  split: PictureFilesSplit | MapFileSplit,
  records: AsyncIterable<LocatedRecord>,
  options: CutOptions,
): AsyncIterable<InputSplit> {
  let rest = emptyFrom(split.start)
  for await (const { item: record, result: layout } of inOrder(records, HEADERS_AT_ONCE, look)) {
    const bands = layout && bandSplits(split, record, layout, options)
    if (!bands) {
      rest.records++
      rest.length += record.length
      continue
    }
    if (rest.records > 0) yield piece(record.start)
    yield* bands
    rest = emptyFrom(record.end)
  }
  if (rest.records > 0) yield piece(split.end)

  async function look(record: LocatedRecord): Promise<PictureLayout | undefined> {
    const { bands, params, limits, only } = options
    const least = bands.pixels(params) * LEAST_BYTES_A_PIXEL
    if (record.length < least || record.length > limits.maxBytes) return undefined
    const isWanted = (name: string) => name === record.key || pictureOfBand(name) === record.key
    if (only && !only.some(isWanted)) return undefined
    return record.look((source: RangeReader) => readPictureLayout(source))
  }

  function piece(end: number): InputSplit {
    const { start, length, records } = rest
    return { ...split, start, end, length, ...(split.records === undefined ? {} : { records }) }
  }
}

function emptyFrom(start: number) {
  return { start, length: 0, records: 0 }
}

/** @returns undefined where the picture stays in one piece. */
function bandSplits(
  { path, kind, hosts, input = 0 }: PictureFilesSplit | MapFileSplit,
  { key, start, end, value }: LocatedRecord,
  picture: PictureLayout,
  { bands, params, limits }: CutOptions,
): PictureBandsSplit[] | undefined {
  const { width, height, orientation, bytesOfPixel } = picture
  const bandPixels = bands.pixels(params)
  if (orientation >= QUARTER_TURNS || width * height > limits.maxPixels || !value) return undefined
  const overlap = bands.overlap(params, { width, height })
  if (!Number.isSafeInteger(overlap) || overlap < 0) {
    throw new UserCodeError(
      `Cannot cut "${key}" into bands: overlap is ${overlap}, expected a whole number of rows from 0 on`,
    )
  }
  const isByRows = picture.access === 'rows' && picture.align * width <= MOST_BANDS_A_STRIP * bandPixels
  const align = isByRows ? picture.align : 1
  const size = { width, height, align, isUpsideDown: UPSIDE_DOWN.has(orientation) }
  const layout = layBands(size, bandPixels, overlap)
  const count = bandCount(layout)
  if (width * height <= bandPixels || count === 1) return undefined
  const tasks = isByRows ? count : picture.access === 'top-down' ? Math.min(count, TOP_DOWN_TASKS) : 1
  // The upper tasks have one band more where it does not come out even: they decode less.
  const firstOf = (task: number) => task * Math.floor(count / tasks) + Math.min(task, count % tasks)
  return Array.from({ length: tasks }, (_, task): PictureBandsSplit => {
    const first = firstOf(task)
    const next = firstOf(task + 1)
    return {
      kind: 'picture-bands',
      path,
      of: kind,
      start,
      end,
      key,
      value,
      layout,
      orientation,
      access: isByRows ? 'rows' : 'top-down',
      bytesOfPixel,
      first,
      next,
      input,
      length: isByRows ? shareOf(value.length, first, count) : value.length,
      records: next - first,
      hosts,
    }
  })
}

/** `scan.tif, bands 4 to 6`. */
export function bandsInWords({
  key,
  first,
  next,
}: Pick<PictureBandsSplit, 'key' | 'first' | 'next'>): string {
  return next - first === 1 ? `${key}, band ${first}` : `${key}, bands ${first} to ${next - 1}`
}

/** What falls to one of so many; all of them together are the whole. */
export function shareOf(whole: number, index: number, count: number): number {
  return Math.floor((whole * (index + 1)) / count) - Math.floor((whole * index) / count)
}

/** Which of a split's records have these names; undefined for all of them. */
export function wantedBands(
  split: PictureBandsSplit,
  names: readonly string[],
): readonly string[] | undefined {
  if (names.includes(split.key)) return undefined
  const own = Array.from({ length: split.next - split.first }, (_, at) =>
    bandName(split.key, split.first + at),
  )
  return own.filter((name) => names.includes(name))
}

/** Where a picture stands in the input: as text in that order. Records of a split are counted from 0. */
export function placeOf({ input = 0, start }: { input?: number; start: number }, ordinal: number): string {
  const digits = (value: number, count: number) => String(value).padStart(count, '0')
  return `${digits(input, 4)}.${digits(start, 15)}.${digits(ordinal, 7)}`
}

/** The bands of a split. */
export function bandsOf(split: PictureBandsSplit) {
  const place = placeOf(split, 0)
  return Array.from({ length: split.next - split.first }, (_, at) =>
    bandAt(split.layout, split.first + at, place),
  )
}
