import { promisify } from 'node:util'
import { crc32, deflate } from 'node:zlib'

const deflateBytes = promisify(deflate)

/**
 * Encodes a black and white picture as a PNG of one bit a pixel. sharp writes such files only by way of a palette
 * that it computes first, which takes longer than all the rest.
 *
 *     signature  89 'PNG' 0d 0a 1a 0a
 *     IHDR       width u32be, height u32be, bit depth 1, colour type 0 (grey), compression 0, filter 0, interlace 0
 *     IDAT       zlib: each row = filter 0, then 8 pixels a byte, the leftmost in the highest bit, padded with 0
 *     IEND
 *     a chunk    <length u32be of the data> <type, 4 characters> <data> <crc32 u32be of type and data>
 *
 * @param pixels width * height bytes, row by row; 128 and above is white. Read before this returns.
 * @param width in pixels, at least 1.
 */
export function encodePng1Bit(pixels: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 1
  const rows = packRows(pixels, width, height)
  return deflateBytes(rows).then((data) =>
    Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]),
  )
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** Unfiltered, as the PNG specification advises for depths below 8. */
function packRows(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const rowBytes = 1 + Math.ceil(width / 8)
  const rows = new Uint8Array(rowBytes * height)
  let from = 0
  for (let row = 0; row < height; row++) {
    let to = row * rowBytes + 1
    const end = from + width
    for (; from + 8 <= end; from += 8) {
      rows[to++] =
        (pixels[from]! & 0x80) |
        ((pixels[from + 1]! & 0x80) >> 1) |
        ((pixels[from + 2]! & 0x80) >> 2) |
        ((pixels[from + 3]! & 0x80) >> 3) |
        ((pixels[from + 4]! & 0x80) >> 4) |
        ((pixels[from + 5]! & 0x80) >> 5) |
        ((pixels[from + 6]! & 0x80) >> 6) |
        ((pixels[from + 7]! & 0x80) >> 7)
    }
    for (let bit = 0; from < end; from++, bit++) rows[to]! |= (pixels[from]! & 0x80) >> bit
  }
  return rows
}

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}
