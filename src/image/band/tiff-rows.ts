import { PictureError } from '../../errors.js'
import type { RangeReader } from './range-reader.js'
import { TAG, TiffDirectory } from './tiff-directory.js'
import { longTag, offsetsTag, shortTag, type TiffTag, tiffHeader } from './tiff-writer.js'

/** A TIFF whose rows can be read without those above. */
export interface TiffRows {
  readonly source: RangeReader
  readonly directory: TiffDirectory
  readonly width: number
  readonly height: number
  /** Rows that are coded together: of a strip, of a row of tiles; 1 where nothing is compressed. */
  readonly align: number
  readonly orientation: number
}

const UNCOMPRESSED = 1
/** JPEG as TIFF 6.0 had it: its strips share tables that lie elsewhere. */
const OLD_JPEG = 6
const SEPARATE_PLANES = 2
const YCBCR = 6
const MAX_WIDTH = 2 ** 31 - 1
/** A file of more pages is no picture of many pixels. */
const MOST_PAGES = 64
/** What the header may take, and what a strip may be larger than its pixels. */
const SPARE_BYTES = 64 * 1024
/** About as many bytes of uncompressed rows make a strip. */
const STRIP_BYTES = 256 * 1024

/** What tells a decoder how strips and tiles are to be read. Everything else is left behind. */
const KEPT = [
  TAG.bitsPerSample,
  TAG.compression,
  TAG.photometric,
  TAG.fillOrder,
  TAG.samplesPerPixel,
  TAG.planarConfiguration,
  TAG.t4Options,
  TAG.t6Options,
  TAG.predictor,
  TAG.colorMap,
  TAG.tileWidth,
  TAG.tileLength,
  TAG.inkSet,
  TAG.extraSamples,
  TAG.sampleFormat,
  TAG.jpegTables,
  TAG.yCbCrCoefficients,
  TAG.yCbCrSubSampling,
  TAG.yCbCrPositioning,
  TAG.referenceBlackWhite,
  TAG.iccProfile,
]

/** @returns undefined where the first picture can't be read in pieces, or the header makes no sense. */
export async function openTiffRows(source: RangeReader): Promise<TiffRows | undefined> {
  const directory = await TiffDirectory.read(source)
  if (!directory) return undefined
  const width = (await directory.number(TAG.imageWidth)) ?? 0
  const height = (await directory.number(TAG.imageLength)) ?? 0
  if (width < 1 || width > MAX_WIDTH || height < 1 || height > MAX_WIDTH) return undefined
  const isTiled = directory.has(TAG.tileOffsets)
  const chunk = isTiled
    ? await directory.number(TAG.tileLength)
    : ((await directory.number(TAG.rowsPerStrip)) ?? height)
  const compression = (await directory.number(TAG.compression)) ?? UNCOMPRESSED
  if (!chunk || chunk < 1 || compression === OLD_JPEG) return undefined
  if (isTiled ? !directory.has(TAG.tileByteCounts) : !directory.has(TAG.stripByteCounts)) return undefined
  if ((await directory.chainLength(MOST_PAGES + 1)) > MOST_PAGES) return undefined
  return {
    source,
    directory,
    width,
    height,
    align: (await rowBytesOf(directory, width)) === undefined ? Math.min(chunk, height) : 1,
    orientation: (await directory.number(TAG.orientation)) ?? 1,
  }
}

/** Bytes of a row where rows lie one after the other as they are; undefined where they don't. */
async function rowBytesOf(directory: TiffDirectory, width: number): Promise<number | undefined> {
  if (directory.has(TAG.tileOffsets)) return undefined
  if (((await directory.number(TAG.compression)) ?? UNCOMPRESSED) !== UNCOMPRESSED) return undefined
  if ((await directory.number(TAG.planarConfiguration)) === SEPARATE_PLANES) return undefined
  if ((await directory.number(TAG.photometric)) === YCBCR) return undefined
  return Math.ceil((width * (await bitsOfPixel(directory))) / 8)
}

async function bitsOfPixel(directory: TiffDirectory): Promise<number> {
  const samples = (await directory.number(TAG.samplesPerPixel)) ?? 1
  const bits = await directory.numbers(TAG.bitsPerSample)
  return bits.length === samples ? bits.reduce((sum, each) => sum + each, 0) : samples * (bits[0] ?? 1)
}

/**
 * Some rows of a TIFF's first picture, as a TIFF: strips and tiles are copied as they are coded, and nothing else is
 * read. Decoded, it has the same pixels as those rows of the whole.
 * @param key of the picture, for messages
 * @param rows as they are stored, beginning at a multiple of `align`, and ending at one or with the picture.
 * @param orientation that a decoder is to apply
 * @throws PictureError when the file has no such rows.
 */
export async function cutTiff(
  key: string,
  tiff: TiffRows,
  rows: { start: number; end: number },
  orientation: number,
): Promise<Uint8Array> {
  const { source, directory, width } = tiff
  const rowBytes = await rowBytesOf(directory, width)
  const { tags, ranges, byteCounts } =
    rowBytes === undefined ? await codedPieces(key, tiff, rows) : await plainPieces(key, tiff, rows, rowBytes)

  const kept: TiffTag[] = []
  for (const tag of KEPT) {
    const entry = directory.entry(tag)
    if (!entry) continue
    const { type, count, byteLength } = entry
    const values = await directory.bytes(tag)
    if (values.length < byteLength) throw damaged(key, 'its header is cut off')
    kept.push({ tag, type, count, values: Uint8Array.from(values) })
  }
  const { isLittleEndian } = directory
  const header = tiffHeader({ isLittleEndian }, (end) => {
    const offsets: number[] = []
    let at = end
    for (const count of byteCounts) {
      offsets.push(at)
      at += count
    }
    return [
      ...kept,
      longTag(TAG.imageWidth, width),
      longTag(TAG.imageLength, rows.end - rows.start),
      shortTag(TAG.orientation, orientation),
      ...tags(offsets),
    ]
  })
  const length = byteCounts.reduce((sum, count) => sum + count, header.length)
  // Strips of a hostile file may all have the same bytes, any number of times.
  const decoded = ((rows.end - rows.start + 2 * tiff.align) * width * (await bitsOfPixel(directory))) / 8
  if (length > 2 * decoded + SPARE_BYTES * (1 + byteCounts.length)) {
    throw damaged(key, 'its strips have more bytes than their pixels take')
  }
  const bytes = Buffer.allocUnsafeSlow(length)
  bytes.set(header)
  let at = header.length
  for (const { start, end } of joined(ranges)) {
    if (end > source.length) {
      throw damaged(key, `rows ${rows.start} to ${rows.end} lie behind its end, the file is cut off`)
    }
    const into = bytes.subarray(at, at + end - start)
    const read = await source.read(start, end, into)
    if (read.buffer !== bytes.buffer) into.set(read)
    at += into.length
  }
  return bytes
}

interface Range {
  start: number
  end: number
}

interface Pieces {
  /** What is to be copied, in order. */
  ranges: Range[]
  /** Bytes of each strip or tile of the new file. */
  byteCounts: number[]
  /** The tags that tell of them. */
  tags(offsets: readonly number[]): TiffTag[]
}

/** Strips, or tiles row by row, of each plane. */
async function codedPieces(
  key: string,
  { directory, width, height, align }: TiffRows,
  rows: Range,
): Promise<Pieces> {
  const isTiled = directory.has(TAG.tileOffsets)
  const offsets = await directory.numbers(isTiled ? TAG.tileOffsets : TAG.stripOffsets)
  const counts = await directory.numbers(isTiled ? TAG.tileByteCounts : TAG.stripByteCounts)
  const across = isTiled ? Math.ceil(width / ((await directory.number(TAG.tileWidth)) || width)) : 1
  const chunkRows = isTiled ? ((await directory.number(TAG.tileLength)) ?? align) : align
  const isSeparate = (await directory.number(TAG.planarConfiguration)) === SEPARATE_PLANES
  const planes = isSeparate ? ((await directory.number(TAG.samplesPerPixel)) ?? 1) : 1
  const ofPlane = across * Math.ceil(height / chunkRows)
  if (offsets.length < planes * ofPlane || counts.length < planes * ofPlane) {
    throw damaged(key, 'its header is damaged or cut off')
  }
  const first = across * Math.floor(rows.start / chunkRows)
  const last = across * Math.ceil(rows.end / chunkRows)
  const chunks = Array.from({ length: planes }, (_, plane) => plane * ofPlane).flatMap((plane) =>
    Array.from({ length: last - first }, (_, chunk) => plane + first + chunk),
  )
  const ranges = chunks.map((chunk) => ({ start: offsets[chunk]!, end: offsets[chunk]! + counts[chunk]! }))
  return {
    ranges,
    byteCounts: ranges.map(({ start, end }) => end - start),
    tags: (placed) => {
      const byteCounts = ranges.map(({ start, end }) => end - start)
      if (isTiled) return [offsetsTag(TAG.tileOffsets, placed), offsetsTag(TAG.tileByteCounts, byteCounts)]
      return [
        longTag(TAG.rowsPerStrip, chunkRows),
        offsetsTag(TAG.stripOffsets, placed),
        offsetsTag(TAG.stripByteCounts, byteCounts),
      ]
    },
  }
}

/** Rows as they are, in strips of our own. */
async function plainPieces(
  key: string,
  { directory, height }: TiffRows,
  rows: Range,
  rowBytes: number,
): Promise<Pieces> {
  const offsets = await directory.numbers(TAG.stripOffsets)
  const counts = await directory.numbers(TAG.stripByteCounts)
  const rowsPerStrip = Math.min(height, (await directory.number(TAG.rowsPerStrip)) ?? height)
  const ranges: Range[] = []
  for (let row = rows.start; row < rows.end; ) {
    const strip = Math.floor(row / rowsPerStrip)
    const next = Math.min(rows.end, (strip + 1) * rowsPerStrip)
    const offset = offsets[strip]
    const stripRows = Math.min(height - strip * rowsPerStrip, rowsPerStrip)
    if (offset === undefined || (counts[strip] ?? 0) < stripRows * rowBytes) {
      throw damaged(key, `strip ${strip} has fewer bytes than its rows`)
    }
    const start = offset + (row - strip * rowsPerStrip) * rowBytes
    ranges.push({ start, end: start + (next - row) * rowBytes })
    row = next
  }
  const count = rows.end - rows.start
  const stripRows = Math.min(count, Math.max(1, Math.floor(STRIP_BYTES / rowBytes)))
  const byteCounts = Array.from(
    { length: Math.ceil(count / stripRows) },
    (_, strip) => Math.min(stripRows, count - strip * stripRows) * rowBytes,
  )
  return {
    ranges,
    byteCounts,
    tags: (placed) => [
      longTag(TAG.rowsPerStrip, stripRows),
      offsetsTag(TAG.stripOffsets, placed),
      offsetsTag(TAG.stripByteCounts, byteCounts),
    ],
  }
}

/** Neighbours are read together. */
function joined(ranges: readonly Range[]): Range[] {
  const runs: Range[] = []
  for (const { start, end } of ranges) {
    const last = runs.at(-1)
    if (last && last.end === start) last.end = end
    else if (end > start) runs.push({ start, end })
  }
  return runs
}

function damaged(key: string, reason: string): PictureError {
  return new PictureError(`Cannot decode "${key}": ${reason}`, { details: { key } })
}
