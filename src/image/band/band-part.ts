import { PictureError } from '../../errors.js'
import type { Band } from './band.js'
import { type BandRows, type RowsLayout, rowBytesOf, rowCount } from './band-rows.js'

/*
 * A piece of what a band has become, on its way to where the bands are joined:
 *
 *   u32be   length of the header
 *   bytes   the header, JSON
 *   bytes   rows, or what the band sends ahead of them
 */
export interface BandPart extends RowsLayout {
  /** Of the band. */
  readonly index: number
  readonly count: number
  /** Where the rows begin in the result; undefined of what is sent ahead. */
  readonly top?: number
  readonly data: Uint8Array
}

const LENGTH_BYTES = 4

/**
 * Rows of a part: so many bytes, so that where bands are joined as little is in memory, of each band that waits
 * there for its turn.
 */
const PART_BYTES = 1024 * 1024

/** The parts of a band in the order in which they are joined: what is sent ahead, then its rows, at least one part. */
export function* bandParts(band: Band, rows: BandRows): Generator<BandPart> {
  const { index, count } = band
  const { width, height, channels, bits, top, data, ahead } = rows
  const common = { index, count, width, height, channels, bits }
  if (ahead) yield { ...common, data: ahead }
  const rowBytes = rowBytesOf(rows)
  if (!Number.isInteger(rowCount(rows))) {
    throw new PictureError(
      `Cannot join bands: rows have ${rowBytes} bytes each, ${data.length} are not whole rows`,
    )
  }
  const rowsOfPart = Math.max(1, Math.floor(PART_BYTES / rowBytes))
  let row = 0
  do {
    const part = data.subarray(row * rowBytes, (row + rowsOfPart) * rowBytes)
    yield { ...common, top: top + row, data: part }
    row += rowsOfPart
  } while (row * rowBytes < data.length)
}

export function encodePart({ data, ...header }: BandPart): Uint8Array {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(json.length)
  return Buffer.concat([length, json, data])
}

export function decodePart(bytes: Uint8Array): BandPart {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = LENGTH_BYTES + buffer.readUInt32BE(0)
  const header = JSON.parse(buffer.toString('utf8', LENGTH_BYTES, end)) as Omit<BandPart, 'data'>
  return { ...header, data: bytes.subarray(end) }
}
