import { promisify } from 'node:util'
import { constants, crc32, deflate } from 'node:zlib'
import { CHUNK_PIXELS, kernelMemory, kernels } from './simd/kernels.js'
import { newLayout } from './simd/layout.js'

const deflateBytes = promisify(deflate)

/**
 * Encodes a black and white picture as a PNG of one bit a pixel. sharp writes such files only by way of a palette
 * that it computes first, which takes longer than all the rest.
 *
 *     signature  89 'PNG' 0d 0a 1a 0a
 *     IHDR       width u32be, height u32be, bit depth 1, colour type 0 (grey), compression 0, filter 0, interlace 0
 *     IDAT       zlib: each row = filter 2 (up), then 8 pixels a byte, the leftmost in the highest bit, padded with 0
 *     IEND
 *     a chunk    <length u32be of the data> <type, 4 characters> <data> <crc32 u32be of type and data>
 *
 * @param pixels width * height bytes, row by row; those above the threshold are white. Read before this returns.
 * @param width in pixels, at least 1.
 */
export async function encodePng1Bit(
  pixels: Uint8Array,
  width: number,
  height: number,
  threshold = 127,
): Promise<Uint8Array> {
  return png1Bit(width, height, await deflateBytes(packRows(pixels, width, height, threshold), DEFLATE_1_BIT))
}

/** A PNG of one bit a pixel whose rows are filtered and deflated already. */
export function png1Bit(width: number, height: number, data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 1
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/**
 * Only runs of the same byte are looked for. What a row has in common with the one above is zero already, so
 * that this is smaller than a thorough search in unfiltered rows, and four times as fast.
 */
export const DEFLATE_1_BIT = { strategy: constants.Z_RLE, chunkSize: 2 ** 17 }

/** Each row's bits less those of the row above, byte by byte. */
function packRows(pixels: Uint8Array, width: number, height: number, threshold: number): Uint8Array {
  const rowBytes = Math.ceil(width / 8)
  const chunkRows = Math.max(1, Math.floor(CHUNK_PIXELS / width))
  const layout = newLayout()
  const from = layout.place(chunkRows * width)
  const to = layout.place(chunkRows * (1 + rowBytes))
  let row = layout.place(rowBytes)
  let above = layout.place(rowBytes)
  const memory = new Uint8Array(kernelMemory(layout.length))
  const { packBits, subtractBytes } = kernels()
  const usedBits = 0xff << (rowBytes * 8 - width)

  memory.fill(0, above, above + rowBytes)
  const packed = new Uint8Array(height * (1 + rowBytes))
  for (let top = 0; top < height; top += chunkRows) {
    const rows = Math.min(chunkRows, height - top)
    memory.set(pixels.subarray(top * width, (top + rows) * width), from)
    for (let index = 0; index < rows; index++) {
      const filtered = to + index * (1 + rowBytes)
      packBits(from + index * width, row, width, threshold)
      memory[row + rowBytes - 1]! &= usedBits
      memory[filtered] = FILTER_UP
      subtractBytes(row, above, filtered + 1, rowBytes)
      ;[row, above] = [above, row]
    }
    packed.set(memory.subarray(to, to + rows * (1 + rowBytes)), top * (1 + rowBytes))
  }
  return packed
}

export const FILTER_UP = 2

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}
