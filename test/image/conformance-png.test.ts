import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PictureError } from '../../src/errors.js'
import { readHeader } from '../../src/image/header.js'
import { Picture, pictureError } from '../../src/image/picture.js'
import { encodeChunk, encodeChunks } from './png-chunks.js'
import { encodePng, expectedRgba, PNG_KINDS } from './png-kinds.js'

const SUITE = new URL('../fixtures/png-suite/', import.meta.url)
const TRUTH = JSON.parse(readFileSync(new URL('truth.json', SUITE), 'utf8')) as Record<
  string,
  { width: number; height: number; sha256: string }
>

function suitePicture(name: string): Buffer {
  return readFileSync(new URL(name, SUITE))
}

/** RGBA of 8 bits, as jobs see it. */
async function decode(bytes: Uint8Array): Promise<{ width: number; height: number; data: Buffer }> {
  try {
    const pipeline = new Picture('k', bytes).pipeline().ensureAlpha().toColourspace('srgb').raw()
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, data }
  } catch (error) {
    throw pictureError('k', error)
  }
}

describe("a picture of libpng's suite decodes to its pixels", () => {
  test.each(Object.keys(TRUTH))('%s', async (name) => {
    const { width, height, data } = await decode(suitePicture(name))
    const sha256 = createHash('sha256').update(data).digest('hex')
    expect({ width, height, sha256 }).toEqual(TRUTH[name])
  })
})

/** As the x pictures of PngSuite are damaged. */
describe('a corrupt picture is refused with the reason', () => {
  const whole = suitePicture('basn2c08.png')
  const HEADER_END = 33
  const withHeader = (change: (header: Buffer) => void) => {
    const header = Buffer.from(whole.subarray(16, 16 + 13))
    change(header)
    return Buffer.concat([whole.subarray(0, 8), encodeChunk('IHDR', header), whole.subarray(HEADER_END)])
  }
  const withByte = (at: number, value: number) => {
    const bytes = Buffer.from(whole)
    bytes[at] = value
    return bytes
  }
  const asText = (from: string, to: string) =>
    Buffer.from(whole.toString('latin1').replaceAll(from, to), 'latin1')

  test.each([
    ['xs1: the first bit of the signature is lost', withByte(0, 0x09), 'its PNG signature is damaged'],
    ['xs2: the second byte of the signature', withByte(1, 0x51), 'its PNG signature is damaged'],
    ['xs4: the letters in small', withByte(3, 0x67), 'its PNG signature is damaged'],
    ['xs7: a blank for the control byte', withByte(6, 0x20), 'its PNG signature is damaged'],
    ['xcr: carriage returns added', asText('\n', '\r\n'), 'its PNG signature is damaged'],
    ['xlf: line feeds for carriage returns', asText('\r', '\n'), 'its PNG signature is damaged'],
    [
      'xhd: the checksum of the header',
      withByte(HEADER_END - 1, 0),
      'the checksum of its header (IHDR) is wrong',
    ],
    [
      'xc1: colour type 1',
      withHeader((header) => header.writeUInt8(1, 9)),
      'its colour type is 1, which PNG does not have',
    ],
    [
      'xc9: colour type 9',
      withHeader((header) => header.writeUInt8(9, 9)),
      'its colour type is 9, which PNG does not have',
    ],
    [
      'xd0: bit depth 0',
      withHeader((header) => header.writeUInt8(0, 8)),
      'its bit depth is 0, which colour type 2 does not have',
    ],
    [
      'xd3: bit depth 3',
      withHeader((header) => header.writeUInt8(3, 8)),
      'its bit depth is 3, which colour type 2 does not have',
    ],
    [
      'xd9: bit depth 99',
      withHeader((header) => header.writeUInt8(99, 8)),
      'its bit depth is 99, which colour type 2 does not have',
    ],
    [
      'xdt: no pixels',
      Buffer.concat([whole.subarray(0, HEADER_END), whole.subarray(-12)]),
      'it has no pixels (no IDAT chunk)',
    ],
    [
      'xcs: the checksum of the pixels',
      withByte(whole.length - 13, 0),
      'its pixels are damaged or cut off (libpng read error)',
    ],
  ])('%s', async (_, bytes, reason) => {
    const decoding = decode(bytes)
    await expect(decoding).rejects.toBeInstanceOf(PictureError)
    await expect(decoding).rejects.toThrow(`Cannot decode "k": ${reason}`)
  })
})

describe('any picture decodes to the samples that were written', () => {
  test.each(PNG_KINDS)('of colour type $colourType with $depth bits', async (kind) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer(),
        async (width, height, isInterlaced, hasTransparency, seed) => {
          const noise = (x: number, y: number, channel: number) =>
            Math.imul(
              Math.imul(x + 1, 73_856_093) ^ Math.imul(y + 1, 19_349_663) ^ (channel + seed),
              0x9e3779b1,
            ) >>> 8
          const content = {
            ...kind,
            width,
            height,
            isInterlaced,
            hasTransparency: hasTransparency && kind.colourType < 4,
            sample: (x: number, y: number, channel: number) => noise(x, y, channel) % 2 ** kind.depth,
            filter: (row: number) => noise(row, 0, 7) % 5,
          }
          const png = encodePng(content)
          expect(await decode(png)).toEqual({ width, height, data: expectedRgba(content) })
          expect(readHeader(png)).toMatchObject({ width, height, bitDepth: kind.depth })
        },
      ),
      { numRuns: 8 },
    )
  })
})

describe('what beside the pixels is damaged does not matter', () => {
  const whole = suitePicture('basn2c08.png')
  const withChunk = (type: string, data: Uint8Array | string) =>
    Buffer.concat([whole.subarray(0, 33), encodeChunk(type, Buffer.from(data)), whole.subarray(33)])
  const text = withChunk('tEXt', 'key\0text')
  text[33 + 8 + 4]! ^= 1

  test.each([
    ['a text with a wrong checksum', text],
    [
      'a profile that is none',
      withChunk('iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(Buffer.alloc(99))])),
    ],
    [
      'a profile that inflates to 64 MiB',
      withChunk('iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(Buffer.alloc(2 ** 26))])),
    ],
    ['a profile that does not inflate', withChunk('iCCP', 'x\0\0 nothing that was deflated')],
    ['a text that does not inflate', withChunk('zTXt', 'key\0\0 nothing that was deflated')],
    ['a gamma of zero', withChunk('gAMA', Buffer.alloc(4))],
    ['a resolution that is too short', withChunk('pHYs', Buffer.alloc(3))],
    ['impossible significant bits', withChunk('sBIT', Buffer.from([9, 9, 9]))],
    ['EXIF that is none', withChunk('eXIf', 'nothing')],
    ['something behind the end', Buffer.concat([whole, Buffer.alloc(1000, 0x41)])],
  ])('%s', async (_, bytes) => {
    expect(await decode(bytes)).toEqual(await decode(whole))
  })
})

test('pixels in many chunks, some of them empty, are one stream', async () => {
  const whole = suitePicture('basn2c08.png')
  const length = whole.readUInt32BE(whole.indexOf('IDAT') - 4)
  const data = whole.subarray(whole.indexOf('IDAT') + 4).subarray(0, length)
  const pieces = Array.from(
    { length },
    (_, at) =>
      [
        ['IDAT', data.subarray(at, at + 1)],
        ['IDAT', Buffer.alloc(0)],
      ] as const,
  )
  const header = whole.subarray(16, 29)
  const divided = encodeChunks([['IHDR', header], ...pieces.flat(), ['IEND', Buffer.alloc(0)]])
  expect(await decode(divided)).toEqual(await decode(whole))
})
