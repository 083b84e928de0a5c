import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { sniffFormat } from '../../src/image/format.js'
import { countFrames } from '../../src/image/frames.js'
import { estimateDecodedBytes, readHeader } from '../../src/image/header.js'
import { animation, bombPng, PHOTOGRAPHS, photograph, quadrants, solid } from './pictures.js'

const DEPTH_BITS: Record<string, number> = { uchar: 8, ushort: 16 }

/** The header as we read it beside what libvips says of the same bytes. */
async function expectLikeSharp(bytes: Buffer, channels?: number) {
  const theirs = await sharp(bytes).metadata()
  const ours = readHeader(bytes)
  expect(ours).toMatchObject({
    width: theirs.width,
    height: theirs.height,
    channels: channels ?? theirs.channels,
  })
  return { ours: ours!, theirs }
}

describe('readHeader agrees with libvips', () => {
  test.each(PHOTOGRAPHS)('on %s', async (name) => {
    await expectLikeSharp(photograph(name))
  })

  test.each([
    ['baseline JPEG', () => quadrants().jpeg()],
    ['progressive JPEG', () => quadrants().jpeg({ progressive: true })],
    [
      'JPEG with EXIF, XMP and a profile',
      () => quadrants().withMetadata({ orientation: 6 }).withXmp('<x/>').jpeg(),
    ],
    ['grey JPEG', () => quadrants().toColourspace('b-w').jpeg()],
    ['CMYK JPEG', () => quadrants().toColourspace('cmyk').jpeg()],
    ['PNG', () => quadrants().png()],
    ['PNG with alpha', () => quadrants().ensureAlpha(0.5).png()],
    ['interlaced PNG', () => quadrants().png({ progressive: true })],
    ['16-bit PNG', () => quadrants().toColourspace('rgb16').png()],
    ['grey PNG with alpha', () => quadrants().ensureAlpha(0.5).toColourspace('b-w').png()],
    ['lossy WebP', () => quadrants().webp()],
    ['lossless WebP', () => quadrants().webp({ lossless: true })],
    ['lossy WebP with alpha', () => quadrants().ensureAlpha(0.5).webp()],
    ['lossless WebP with alpha', () => quadrants().ensureAlpha(0.5).webp({ lossless: true })],
    ['WebP with EXIF', () => quadrants().withMetadata({ orientation: 6 }).webp()],
    ['TIFF', () => quadrants().tiff({ compression: 'none' })],
    ['TIFF with alpha', () => quadrants().ensureAlpha(0.5).tiff({ compression: 'lzw' })],
    ['16-bit TIFF', () => quadrants().toColourspace('rgb16').tiff({ compression: 'deflate' })],
    ['tiled TIFF', () => quadrants().tiff({ tile: true, compression: 'jpeg' })],
    ['AVIF', () => quadrants().avif({ effort: 0 })],
    ['AVIF with alpha', () => quadrants().ensureAlpha(0.5).avif({ effort: 0 })],
  ])('on %s', async (_, draw) => {
    const { ours, theirs } = await expectLikeSharp(await draw().toBuffer())
    const depth = DEPTH_BITS[theirs.depth ?? '']
    if (depth) expect(ours.bitDepth).toBe(depth)
    if (ours.format === 'tiff' || ours.format === 'png') expect(ours.hasProfile).toBe(theirs.hasProfile)
  })

  test('on palettes, which decode to colours', async () => {
    // libvips may give RGB for them; four channels are what they can need.
    await expectLikeSharp(await quadrants().gif().toBuffer(), 4)
    const { ours } = await expectLikeSharp(await quadrants().png({ palette: true }).toBuffer())
    expect(ours.format).toBe('png')
  })

  test('on a 16-bit PNG with a profile', async () => {
    const { ours } = await expectLikeSharp(
      await quadrants().toColourspace('rgb16').withIccProfile('p3').png().toBuffer(),
    )
    expect(ours).toMatchObject({ bitDepth: 16, hasProfile: true })
  })

  test('on a TIFF of the other byte order', () => {
    const tiff = Buffer.from(
      `4d4d002a00000008${'0004'}${'010000040000000100000280'}${'010100030000000101e00000'}` +
        `${'010200030000000100080000'}${'011500030000000100030000'}00000000`,
      'hex',
    )
    expect(readHeader(tiff)).toMatchObject({
      format: 'tiff',
      width: 640,
      height: 480,
      channels: 3,
      bitDepth: 8,
    })
  })
})

test('a BMP from the bottom and one from the top have the same size', () => {
  const bmp = Buffer.alloc(54)
  bmp.write('BM')
  bmp.writeUInt32LE(40, 14)
  bmp.writeInt32LE(640, 18)
  bmp.writeInt32LE(480, 22)
  bmp.writeUInt16LE(24, 28)
  expect(readHeader(bmp)).toMatchObject({ format: 'bmp', width: 640, height: 480, channels: 3 })
  bmp.writeInt32LE(-480, 22)
  expect(readHeader(bmp)).toMatchObject({ width: 640, height: 480 })
})

describe('countFrames', () => {
  test.each(['gif', 'webp'] as const)('counts the frames of a %s', async (format) => {
    const bytes = await animation(format)
    expect((await sharp(bytes).metadata()).pages).toBe(3)
    expect(countFrames(bytes, format, 100)).toBe(3)
    expect(countFrames(bytes, format, 2)).toBe(2)
  })

  test.each(['gif', 'webp', 'tiff', 'jpeg', 'png'] as const)('counts one for a still %s', async (format) => {
    expect(countFrames(await solid('red').toFormat(format).toBuffer(), format, 100)).toBe(1)
  })

  test('follows the chain of a TIFF, and not in a circle', () => {
    const chain = (last: number) => {
      const tiff = Buffer.alloc(8 + 3 * 6)
      tiff.write('II*\0', 'latin1')
      const pages = [8, 14, 20]
      tiff.writeUInt32LE(pages[0]!, 4)
      for (const [index, page] of pages.entries()) tiff.writeUInt32LE(pages[index + 1] ?? last, page + 2)
      return tiff
    }
    expect(countFrames(chain(0), 'tiff', 100)).toBe(3)
    expect(countFrames(chain(8), 'tiff', 100)).toBe(3)
    expect(countFrames(chain(0), 'tiff', 2)).toBe(2)
  })
})

describe('estimateDecodedBytes', () => {
  test('is the encoded length and the decoded pixels', () => {
    const coffee = photograph('coffee.jpg')
    expect(estimateDecodedBytes(coffee)).toBe(coffee.length + 600 * 400 * 3)
  })

  test('guesses from the length where the header is unknown', () => {
    expect(estimateDecodedBytes(Buffer.alloc(1000))).toBe(9000)
    expect(estimateDecodedBytes(Buffer.alloc(0))).toBe(0)
  })

  test('is bounded, whatever a header claims', () => {
    expect(estimateDecodedBytes(bombPng(0xffffffff, 0xffffffff))).toBeLessThan(1.1 * 2 ** 30)
  })
})

describe('hostile bytes', () => {
  function look(bytes: Uint8Array): void {
    const estimate = estimateDecodedBytes(bytes)
    expect(Number.isSafeInteger(estimate) && estimate >= 0).toBe(true)
    const header = readHeader(bytes)
    if (header) {
      for (const value of [header.width, header.height, header.channels]) expect(value).toBeGreaterThan(0)
    }
    const format = sniffFormat(bytes)
    if (format) expect(countFrames(bytes, format, 50)).toBeLessThanOrEqual(50)
  }

  test('of any kind neither throw nor loop', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), look), { numRuns: 2000 })
  })

  test('after the magic of a format neither throw nor loop', () => {
    const magics = ['ffd8ff', '89504e470d0a1a0a0000000d49484452', '52494646000000005745425056503858']
    const more = ['474946383961', '49492a00', '4d4d002a', '0000001c667479706176696600000000', '424d']
    fc.assert(
      fc.property(fc.constantFrom(...magics, ...more), fc.uint8Array({ maxLength: 600 }), (magic, rest) =>
        look(Buffer.concat([Buffer.from(magic, 'hex'), rest])),
      ),
      { numRuns: 4000 },
    )
  })

  test('mutated from real pictures and cut off neither throw nor loop', async () => {
    const formats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const
    const stills = await Promise.all(formats.map((format) => quadrants().toFormat(format).toBuffer()))
    const samples = [...stills, await animation('gif'), await animation('webp')]
    const mutation = fc.record({ at: fc.nat(2000), value: fc.nat(255) })
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(mutation, { maxLength: 12 }),
        fc.nat(3000),
        (sample, mutations, length) => {
          const bytes = Buffer.from(sample.subarray(0, length))
          for (const { at, value } of mutations) if (at < bytes.length) bytes[at] = value
          look(bytes)
        },
      ),
      { numRuns: 4000 },
    )
  })

  test('of many megabytes made of the smallest steps come to an end', () => {
    const megabytes = 8 * 2 ** 20
    look(Buffer.concat([photograph('coffee.jpg').subarray(0, 2), Buffer.alloc(megabytes, 0xff)]))
    look(Buffer.concat([bombPng().subarray(0, 33), Buffer.alloc(megabytes)]))
    look(Buffer.concat([Buffer.from('474946383961000100010000002c', 'hex'), Buffer.alloc(megabytes, 0x01)]))
  })
})
