import sharp, { type Sharp, type TiffOptions } from 'sharp'
import { describe, expect, test } from 'vitest'
import { memoryReader } from '../../src/image/band/range-reader.js'
import { TAG } from '../../src/image/band/tiff-directory.js'
import { cutTiff, openTiffRows } from '../../src/image/band/tiff-rows.js'
import { longTag, offsetsTag, shortTag, tiffHeader } from '../../src/image/band/tiff-writer.js'
import { Picture } from '../../src/image/picture.js'
import { decodeRgb } from '../../src/image/rgb.js'
import { photograph } from './pictures.js'

const SIZE = { width: 150, height: 101 }

const coffee = () => sharp(photograph('coffee.jpg')).resize({ ...SIZE, fit: 'fill' })
const withAlpha = () => coffee().joinChannel(ramp(), { raw: { ...SIZE, channels: 1 } })
const deep = () => coffee().linear(0.9, 7).toColourspace('rgb16')

function ramp(): Buffer {
  return Buffer.from(Array.from({ length: SIZE.width * SIZE.height }, (_, at) => (at * 7) & 0xff))
}

const tiff = (from: Sharp, options: TiffOptions) => from.tiff(options).toBuffer()

const TIFFS: Record<string, () => Promise<Buffer>> = {
  'uncompressed strips': () => tiff(coffee(), { compression: 'none' }),
  'LZW strips with a predictor': () => tiff(coffee(), { compression: 'lzw', predictor: 'horizontal' }),
  'deflate tiles': () =>
    tiff(coffee(), { compression: 'deflate', tile: true, tileWidth: 32, tileHeight: 16 }),
  'JPEG tiles': () => tiff(coffee(), { compression: 'jpeg', tile: true, tileWidth: 32, tileHeight: 32 }),
  'JPEG strips': () => tiff(coffee(), { compression: 'jpeg', quality: 70 }),
  'grey with one bit': () => tiff(coffee().greyscale().threshold(), { compression: 'none', bitdepth: 1 }),
  'CCITT G4': () =>
    tiff(coffee().greyscale().threshold().toColourspace('b-w'), { compression: 'ccittfax4', bitdepth: 1 }),
  alpha: () => tiff(withAlpha(), { compression: 'lzw' }),
  '16 bits': () => tiff(deep(), { compression: 'deflate' }),
  'a profile': () => tiff(coffee().withIccProfile('p3'), { compression: 'none' }),
  CMYK: () => tiff(coffee().toColourspace('cmyk'), { compression: 'none' }),
  BigTIFF: () => tiff(coffee(), { compression: 'lzw', bigtiff: true }),
  'a pyramid': () =>
    tiff(coffee(), { compression: 'lzw', tile: true, tileWidth: 16, tileHeight: 16, pyramid: true }),
}

describe('rows cut out of a TIFF decode as they do in the whole', () => {
  test.each(Object.entries(TIFFS))('%s', async (_, make) => {
    const bytes = await make()
    const whole = await decodeRgb(new Picture('whole', bytes))
    const rows = (await openTiffRows(memoryReader(bytes)))!
    expect({ width: rows.width, height: rows.height }).toEqual(SIZE)
    const { align } = rows
    for (const [from, to] of [
      [0, 1],
      [1, 3],
      [2, 1000],
    ] as const) {
      const start = Math.min(from * align, Math.floor(100 / align) * align)
      const end = Math.min(SIZE.height, Math.max(start + 1, to * align))
      const cut = await cutTiff('cut', rows, { start, end }, 1)
      const part = await decodeRgb(new Picture('cut', cut))
      expect(part.height).toBe(end - start)
      const expected = whole.data.subarray(start * SIZE.width * 3, end * SIZE.width * 3)
      expect(Buffer.compare(part.data, expected), `${start} to ${end}`).toBe(0)
    }
  })

  test('only the strips that hold them are read', async () => {
    const bytes = await TIFFS['uncompressed strips']!()
    const asked: [number, number][] = []
    const rows = (await openTiffRows({
      length: bytes.length,
      read: async (start, end) => {
        asked.push([start, end])
        return bytes.subarray(start, end)
      },
    }))!
    asked.length = 0
    await cutTiff('cut', rows, { start: 10, end: 14 }, 1)
    const large = asked.filter(([start, end]) => end - start > 200)
    expect(large.reduce((sum, [start, end]) => sum + end - start, 0)).toBe(4 * SIZE.width * 3)
  })

  test('a strip behind the end of the file is refused by name', async () => {
    const bytes = await TIFFS['uncompressed strips']!()
    const rows = await openTiffRows(memoryReader(bytes))
    const cutOff = { ...rows!, source: memoryReader(bytes.subarray(0, 20_000)) }
    await expect(cutTiff('scan.tif', cutOff, { start: 90, end: 101 }, 1)).rejects.toThrow(
      /^Cannot decode "scan.tif": rows 90 to 101 lie behind its end, the file is cut off$/,
    )
  })

  test('strips of more bytes than their pixels take are refused: any number may have the same ones', async () => {
    const strips = [1000, 1000, 1000]
    const header = tiffHeader({ isLittleEndian: true }, (end) => [
      longTag(TAG.imageWidth, 10),
      longTag(TAG.imageLength, 30),
      shortTag(TAG.compression, 5),
      shortTag(TAG.photometric, 1),
      longTag(TAG.rowsPerStrip, 10),
      offsetsTag(
        TAG.stripOffsets,
        strips.map(() => end),
      ),
      offsetsTag(
        TAG.stripByteCounts,
        strips.map(() => 2 ** 20),
      ),
    ])
    const rows = await openTiffRows(memoryReader(Buffer.concat([header, Buffer.alloc(2 ** 20)])))
    await expect(cutTiff('a.tif', rows!, { start: 0, end: 30 }, 1)).rejects.toThrow(
      /^Cannot decode "a.tif": its strips have more bytes than their pixels take$/,
    )
  })
})
