/**
 * Decodes the BMPs that the contests' ground truths come in, to the brightness of each pixel.
 *
 *     file header  'BM', u32le length, 4 bytes, u32le begin of the pixels
 *     information  u32le own length, i32le width, i32le height (negative: from the top), u16le planes,
 *                  u16le bits a pixel (1, 4, 8, 24, 32), u32le compression 0, 12 bytes, u32le colours, 4 bytes
 *     colours      of 1, 4 and 8 bits: <blue> <green> <red> <0>
 *     rows         padded to four bytes, from the bottom up; the leftmost pixel in the highest bits
 */
export function decodeBmp(bytes: Buffer): { width: number; height: number; data: Uint8Array } {
  const begin = bytes.readUInt32LE(10)
  const palette = 14 + bytes.readUInt32LE(14)
  const width = bytes.readInt32LE(18)
  const height = Math.abs(bytes.readInt32LE(22))
  const isFromTop = bytes.readInt32LE(22) < 0
  const bits = bytes.readUInt16LE(28)
  if (bytes.readUInt32LE(30) !== 0) throw new Error('Cannot decode BMP: it is compressed')
  const rowBytes = Math.ceil((width * bits) / 32) * 4
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const row = begin + (isFromTop ? y : height - 1 - y) * rowBytes
    for (let x = 0; x < width; x++) {
      const byte = row + ((x * bits) >> 3)
      const index = (bytes[byte]! >> (8 - bits - ((x * bits) & 7))) & ((1 << bits) - 1)
      data[y * width + x] = brightness(bytes, bits > 8 ? byte : palette + index * 4)
    }
  }
  return { width, height, data }
}

function brightness(bytes: Buffer, at: number): number {
  return (9798 * bytes[at + 2]! + 19235 * bytes[at + 1]! + 3735 * bytes[at]! + 16384) >> 15
}
