import { deflateSync } from 'node:zlib'
import type { Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { LimitError, PictureError } from '../../src/errors.js'
import { estimateDecodedBytes, readHeader } from '../../src/image/header.js'
import { Picture } from '../../src/image/picture.js'
import { decodeRgb } from '../../src/image/rgb.js'
import { bombPng, quadrants, solid } from './pictures.js'
import { encodeChunk } from './png-chunks.js'

const SIDE = 60_000

/** What a picture is refused with before libvips sees any of it. */
function refusal(bytes: Uint8Array): LimitError {
  try {
    new Picture('k', bytes).pipeline()
  } catch (error) {
    expect(error).toBeInstanceOf(LimitError)
    return error as LimitError
  }
  throw new Error('it was not refused')
}

/** Writes numbers over what stands some bytes behind a marker, wherever the marker is. */
function patched(bytes: Buffer, marker: string | Buffer, write: (bytes: Buffer, at: number) => void): Buffer {
  const copy = Buffer.from(bytes)
  let at = copy.indexOf(marker)
  expect(at).toBeGreaterThan(0)
  for (; at >= 0; at = copy.indexOf(marker, at + 1)) write(copy, at)
  return copy
}

/** A TIFF of either byte order and width of fields, whose first page claims a size. */
function claimingTiff(isLittle: boolean, isBig: boolean): Buffer {
  const bytes = Buffer.alloc(256)
  let at = 0
  const put = (value: number, length: number) => {
    if (isLittle) bytes.writeUIntLE(value, at, Math.min(6, length))
    else bytes.writeUIntBE(value, at + Math.max(0, length - 6), Math.min(6, length))
    at += length
  }
  const wide = isBig ? 8 : 4
  at += bytes.write(isLittle ? 'II' : 'MM')
  put(isBig ? 43 : 42, 2)
  if (isBig) for (const value of [8, 0]) put(value, 2)
  put(isBig ? 16 : 8, wide)
  put(2, isBig ? 8 : 2)
  for (const tag of [256, 257]) {
    put(tag, 2)
    put(4, 2)
    put(1, wide)
    put(SIDE, 4)
    at += wide - 4
  }
  return bytes
}

function gif(width: number, height: number, frames: Iterable<[width: number, height: number]>): Buffer {
  const head = Buffer.alloc(13)
  head.write('GIF89a')
  head.writeUInt16LE(width, 6)
  head.writeUInt16LE(height, 8)
  const blocks = Array.from(frames, ([frameWidth, frameHeight]) => {
    const block = Buffer.from('2c00000000000000000002024c0100', 'hex')
    block.writeUInt16LE(frameWidth, 5)
    block.writeUInt16LE(frameHeight, 7)
    return block
  })
  return Buffer.concat([head, ...blocks, Buffer.from(';')])
}

describe('a claim of 60,000 x 60,000 pixels is refused from the header', () => {
  test.each<[string, () => Buffer | Promise<Buffer>]>([
    ['PNG', () => bombPng(SIDE, SIDE)],
    ['TIFF', () => claimingTiff(true, false)],
    ['TIFF of the other byte order', () => claimingTiff(false, false)],
    ['BigTIFF', () => claimingTiff(true, true)],
    ['BigTIFF of the other byte order', () => claimingTiff(false, true)],
    ['GIF', () => gif(SIDE, SIDE, [[1, 1]])],
    ['GIF with a first frame larger than its screen', () => gif(10, 10, [[SIDE, SIDE]])],
    ['GIF with no screen', () => gif(0, 0, [[SIDE, SIDE]])],
    [
      'JPEG',
      async () => {
        const frame = Buffer.of(0xff, 0xc0)
        return patched(await quadrants().jpeg().toBuffer(), frame, (bytes, at) => {
          for (const side of [5, 7]) bytes.writeUInt16BE(SIDE, at + side)
        })
      },
    ],
    [
      'WebP',
      async () => {
        const webp = await solid({ r: 0, g: 0, b: 0, alpha: 0.5 }, 4).webp().toBuffer()
        return patched(webp, 'VP8X', (bytes, at) => {
          for (const side of [12, 15]) bytes.writeUIntLE(SIDE - 1, at + side, 3)
        })
      },
    ],
    [
      'AVIF',
      async () =>
        patched(await quadrants().avif({ effort: 0 }).toBuffer(), 'ispe', (bytes, at) => {
          for (const side of [8, 12]) bytes.writeUInt32BE(SIDE, at + side)
        }),
    ],
  ])('%s', async (_, make) => {
    const bomb = await make()
    const error = refusal(bomb)
    expect(error.message).toBe(
      'Cannot decode "k": 60000 x 60000 pixels are 3600000000, the limit is 268402689; ' +
        'raise --max-pixels if you trust the picture',
    )
    expect(estimateDecodedBytes(bomb)).toBe(bomb.length)
  })
})

describe('too many frames are refused, also where the first says no size', () => {
  const message =
    'Cannot decode "k": it has more than 10000 frames, the limit is 10000; raise --max-frames if you trust the picture'

  test('GIF', () => {
    const frames = new Array<[number, number]>(100_000).fill([1, 1])
    expect(refusal(gif(10, 10, frames)).message).toBe(message)
  })

  test('TIFF', () => {
    const pages = 1_000_000
    const PAGE_BYTES = 6
    const tiff = Buffer.alloc(8 + pages * PAGE_BYTES)
    tiff.write('II*\0', 'latin1')
    tiff.writeUInt32LE(8, 4)
    for (let at = 8; at + PAGE_BYTES < tiff.length; at += PAGE_BYTES)
      tiff.writeUInt32LE(at + PAGE_BYTES, at + 2)
    expect(refusal(tiff).message).toBe(message)
  })
})

describe('a progressive JPEG', () => {
  const END = Buffer.of(0xff, 0xd9)
  const SCAN = Buffer.of(0xff, 0xda)
  /** As IJG's encoder divides a picture by default. */
  const SCANS = 10
  const drawn = () => solid('grey').jpeg({ progressive: true }).toBuffer()
  /** Of a picture without detail, whose scans say nothing: they may say it again. */
  const withScans = async (count: number) => {
    const jpeg = await drawn()
    const end = jpeg.lastIndexOf(END)
    const scan = Buffer.from(jpeg.subarray(jpeg.lastIndexOf(SCAN), end))
    // Its last parameter: all bits at once, which a scan may say after any other.
    scan[2 + scan.readUInt16BE(2) - 1] = 0
    return Buffer.concat([jpeg.subarray(0, end), ...new Array<Buffer>(count - SCANS).fill(scan), END])
  }

  test('of more scans than any encoder writes is refused', async () => {
    expect(refusal(await withScans(101)).message).toBe(
      'Cannot decode "k": it has more than 100 scans, the limit is 100',
    )
  })

  test('of as many as there may be decodes, also with others appended to it', async () => {
    const [most, single] = [await withScans(100), await drawn()]
    const pixels = await decodeRgb(new Picture('k', single))
    expect(await decodeRgb(new Picture('k', most))).toEqual(pixels)
    expect(await decodeRgb(new Picture('k', Buffer.concat([most, single, single])))).toEqual(pixels)
  })
})

describe('texts of a PNG', () => {
  const text = (type: string, start: string) =>
    encodeChunk(type, Buffer.concat([Buffer.from(start), deflateSync(Buffer.alloc(7_000_000))]))
  const png = async (chunks: Buffer[]) => {
    const whole = await quadrants().png().toBuffer()
    return Buffer.concat([whole.subarray(0, 33), ...chunks, whole.subarray(33)])
  }

  test.each([
    ['zTXt', 'key\0\0'],
    ['iTXt', 'key\0\x01\0\0\0'],
  ])('of kind %s that would unpack to gigabytes are refused', async (type, start) => {
    const chunks = new Array<Buffer>(400).fill(text(type, start))
    expect(refusal(await png(chunks)).message).toMatch(
      /^Cannot decode "k": its texts may unpack to \d{10} bytes, the limit is 134217728$/,
    )
  })

  test('that are as they are may be many', async () => {
    const plain = encodeChunk('iTXt', Buffer.from(`key\0\0\0\0\0${'x'.repeat(20_000)}`))
    await decodeRgb(new Picture('k', await png(new Array<Buffer>(400).fill(plain))))
  })

  test('of a few bytes may not be tens of thousands', async () => {
    const chunks = new Array<Buffer>(20_000).fill(encodeChunk('tEXt', Buffer.from('k\0v')))
    const bytes = await png(chunks)
    expect(() => new Picture('k', bytes).pipeline()).toThrow('more than 10000 chunks before its pixels')
  })
})

test('a PNG with fewer bytes than its pixels need is refused before it is decoded', () => {
  const bytes = bombPng(6_000_000, 40)
  expect(() => new Picture('k', bytes).pipeline()).toThrow(
    `Cannot decode "k": ${bytes.length} bytes can't hold the pixels that its header claims`,
  )
})

describe('a header that lies is found by the decoder', () => {
  test.each<[string, () => Promise<Buffer>]>([
    [
      'AVIF that says to be smaller than it is',
      async () =>
        patched(await solid('red', 3, 400).avif({ effort: 0 }).toBuffer(), 'ispe', (bytes, at) => {
          for (const side of [8, 12]) bytes.writeUInt32BE(16, at + side)
        }),
    ],
    [
      'WebP whose canvas is smaller than its picture',
      async () => {
        const webp = await solid({ r: 0, g: 0, b: 0, alpha: 0.5 }, 4, 400).webp().toBuffer()
        return patched(webp, 'VP8X', (bytes, at) => {
          for (const side of [12, 15]) bytes.writeUIntLE(15, at + side, 3)
        })
      },
    ],
    [
      'JPEG with two sizes',
      async () => {
        const jpeg = await quadrants().jpeg().toBuffer()
        const at = jpeg.indexOf(Buffer.of(0xff, 0xc0))
        const frame = Buffer.from(jpeg.subarray(at, at + 2 + jpeg.readUInt16BE(at + 2)))
        for (const side of [5, 7]) frame.writeUInt16BE(SIDE, side)
        return Buffer.concat([
          jpeg.subarray(0, at + 2 + frame.readUInt16BE(2)),
          frame,
          jpeg.subarray(at + frame.length),
        ])
      },
    ],
    [
      'AVIF of 100,000 boxes within each other',
      async () => {
        const [type] = [(await quadrants().avif({ effort: 0 }).toBuffer()).subarray(0, 32)]
        const boxes = Array.from({ length: 100_000 }, (_, depth) => {
          const box = Buffer.from('0000000069707270', 'hex')
          box.writeUInt32BE(8 * (100_000 - depth))
          return box
        })
        return Buffer.concat([type, ...boxes])
      },
    ],
  ])('%s', async (_, make) => {
    const decoding = decodeRgb(new Picture('k', await make()))
    await expect(decoding).rejects.toBeInstanceOf(PictureError)
    await expect(decoding).rejects.toThrow(/^Cannot decode "k": \S.{10}/)
  })
})

describe('the memory that a picture may take counts', () => {
  const drawn = () => quadrants().resize(300, 300, { fit: 'fill' })
  const pixels = 300 * 300
  test.each<[string, () => Sharp, number]>([
    ['RGB', () => drawn().png(), 3],
    ['RGB of 16 bits', () => drawn().toColourspace('rgb16').png(), 6],
    ['RGBA of 16 bits', () => drawn().ensureAlpha(0.5).toColourspace('rgb16').png(), 8],
    ['an interlaced PNG twice', () => drawn().png({ progressive: true }), 6],
    ['the coefficients of a progressive JPEG', () => drawn().jpeg({ progressive: true }), 3 + 3 * 2],
    ['what decoders of whole frames hold: WebP', () => drawn().webp(), 3 + 5],
    ['GIF', () => drawn().gif(), 4 + 4],
    ['AVIF', () => drawn().avif({ effort: 0 }), 3 + 15],
  ])('%s', async (_, draw, bytesOfPixel) => {
    const bytes = await draw().toBuffer()
    expect(estimateDecodedBytes(bytes)).toBe(bytes.length + pixels * bytesOfPixel)
  })

  test('the rows that are worked on at once, where a picture has fewer', () => {
    const wide = bombPng(5_000_000, 2)
    expect(estimateDecodedBytes(wide)).toBe(wide.length + 5_000_000 * 256 * 3)
  })

  test('a picture over the limit only as it lies there, and one under a raised limit in full', () => {
    const bomb = bombPng(20_000, 20_000)
    expect(readHeader(bomb)).toMatchObject({ width: 20_000, channels: 3 })
    expect(estimateDecodedBytes(bomb)).toBe(bomb.length)
    expect(estimateDecodedBytes(bomb, 400_000_000)).toBe(bomb.length + 1_200_000_000)
  })
})
