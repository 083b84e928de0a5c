import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PictureError } from '../../src/errors.js'
import { findExif } from '../../src/image/exif/block.js'
import { isoTime } from '../../src/image/exif/time.js'
import { type ExifFacts, exif } from '../../src/image/exif.js'
import { Picture } from '../../src/image/picture.js'
import { photograph, solid } from './pictures.js'

const exifOf = (bytes: Uint8Array, tags?: string[]) => exif(new Picture('k', bytes), tags ? { tags } : {})

const NOTHING: Omit<ExifFacts, 'format'> = {
  camera: null,
  lens: null,
  taken: null,
  orientation: null,
  exposure: null,
  gps: null,
  artist: null,
  copyright: null,
  software: null,
  error: null,
}

function tagged() {
  const exif = {
    IFD0: {
      Make: 'Acme',
      Model: 'Cam 7',
      Artist: 'Ada',
      Copyright: 'The Archive',
      Software: 'Dark room',
    },
    IFD2: {
      DateTimeOriginal: '2026:07:01 12:34:56',
      OffsetTimeOriginal: '+02:00',
      SubSecTimeOriginal: '12',
      ExposureTime: '1/125',
      FNumber: '28/10',
      ISOSpeedRatings: '200',
      FocalLength: '50/1',
      LensModel: 'Lens 50',
    },
    IFD3: {
      GPSLatitudeRef: 'N',
      GPSLatitude: '48/1 8/1 144/10',
      GPSLongitudeRef: 'W',
      GPSLongitude: '11/1 34/1 30/1',
      GPSAltitude: '5190/10',
    },
  }
  return solid('red').withExif(exif).withMetadata({ orientation: 6 })
}

const FACTS: Omit<ExifFacts, 'format'> = {
  camera: { make: 'Acme', model: 'Cam 7' },
  lens: 'Lens 50',
  taken: '2026-07-01T12:34:56.12+02:00',
  orientation: 6,
  exposure: { time: 0.008, aperture: 2.8, iso: 200, focalLength: 50 },
  gps: { latitude: 48.1373333, longitude: -11.575, altitude: 519 },
  artist: 'Ada',
  copyright: 'The Archive',
  software: 'Dark room',
  error: null,
}

describe('EXIF is read from', () => {
  test.each(['jpeg', 'png', 'webp', 'avif'] as const)('%s', async (format) => {
    const facts = exifOf(await tagged().toFormat(format).toBuffer())
    // In AVIF the orientation is a property of its own.
    expect(facts).toEqual({
      format,
      ...FACTS,
      ...(format === 'avif' ? { orientation: facts.orientation } : {}),
    })
  })

  test('HEIC, which is not decoded', async () => {
    const bytes = await tagged().avif().toBuffer()
    const heic = Buffer.from(
      bytes.toString('latin1').replaceAll('avif', 'heic').replaceAll('miaf', 'mif1'),
      'latin1',
    )
    expect(exifOf(heic)).toMatchObject({ format: 'heic', camera: FACTS.camera, taken: FACTS.taken })
  })

  test('TIFF', async () => {
    const bytes = await solid('red').withMetadata({ orientation: 8 }).tiff().toBuffer()
    const facts = exifOf(bytes, ['all'])
    expect(facts).toMatchObject({ format: 'tiff', orientation: 8, error: null })
    expect(facts.tags).toMatchObject({ ImageWidth: 32, ImageHeight: 32, BitsPerSample: [8, 8, 8] })
    expect(Object.keys(facts.tags!)).not.toContain('StripOffsets')
  })

  test('a block of either byte order, of a WebP that marks it as JPEG does', () => {
    for (const isLittle of [true, false]) {
      const facts = exifOf(
        webpWith(Buffer.concat([Buffer.from('Exif\0\0'), block([[0x010f, 2, 'Acme\0']], { isLittle })])),
      )
      expect(facts.camera).toEqual({ make: 'Acme', model: null })
    }
  })
})

describe('without EXIF', () => {
  test.each(['retina.jpg', 'camera.png'])('%s has a line of nulls', (name) => {
    expect(exifOf(photograph(name))).toEqual({ format: name.endsWith('png') ? 'png' : 'jpeg', ...NOTHING })
  })

  test('a GIF has one too', async () => {
    expect(exifOf(await solid('red').gif().toBuffer())).toEqual({ format: 'gif', ...NOTHING })
  })

  test('bytes that are no picture are refused', () => {
    expect(() => exifOf(Buffer.from('hello world'))).toThrow(PictureError)
  })
})

describe('tags', () => {
  test('are given by name, in the order of their names', async () => {
    const bytes = await tagged().jpeg().toBuffer()
    const { tags } = exifOf(bytes, ['ISO', 'FNumber', 'GPSLatitude', 'Nonsense'])
    expect(JSON.stringify(tags)).toBe('{"FNumber":2.8,"GPSLatitude":[48,8,14.4],"ISO":200}')
  })

  test('are all given, each time alike', async () => {
    const bytes = await tagged().jpeg().toBuffer()
    const { tags } = exifOf(bytes, ['all'])
    expect(Object.keys(tags!)).toEqual(Object.keys(tags!).sort())
    expect(tags).toMatchObject({
      Make: 'Acme',
      ExifVersion: '0210',
      LensModel: 'Lens 50',
      GPSLatitudeRef: 'N',
    })
    expect(JSON.stringify(exifOf(bytes, ['all']))).toBe(JSON.stringify(exifOf(bytes, ['all'])))
  })

  test('that have no name have their number, and bytes are in base64', () => {
    const bytes = webpWith(block([[0xbeef, 7, Buffer.from([1, 2, 0xff])]]))
    expect(exifOf(bytes, ['all']).tags).toEqual({ '0xbeef': 'base64:AQL/' })
  })

  test('that are text may be UTF-8 or Latin-1', () => {
    for (const encoding of ['utf8', 'latin1'] as const) {
      expect(exifOf(webpWith(block([[0x013b, 2, Buffer.from('Zoë\0', encoding)]]))).artist).toBe('Zoë')
    }
  })
})

describe('a time', () => {
  test.each([
    ['2026:07:01 12:34:56', undefined, undefined, '2026-07-01T12:34:56'],
    ['2026:07:01 12:34:56', '07', '-03:30', '2026-07-01T12:34:56.07-03:30'],
    ['2026-07-01T12:34:56', undefined, undefined, '2026-07-01T12:34:56'],
    ['2026:07:01 12:34:56', 'x', 'Z', '2026-07-01T12:34:56'],
    ['2024:02:29 23:59:59', undefined, undefined, '2024-02-29T23:59:59'],
    ['2026:02:29 23:59:59', undefined, undefined, null],
    ['0000:00:00 00:00:00', undefined, undefined, null],
    ['    :  :     :  :  ', undefined, undefined, null],
    ['2026:07:01 24:00:00', undefined, undefined, null],
    ['yesterday', undefined, undefined, null],
    [undefined, '12', '+02:00', null],
  ])('%o, %o, %o is %o', (value, fraction, offset, expected) => {
    expect(isoTime(value, fraction, offset)).toBe(expected)
  })

  test('of the picture counts before that of digitizing, and none of the file', async () => {
    const taken = async (IFD2: Record<string, string>) =>
      exifOf(
        await solid('red')
          .withExif({ IFD0: { DateTime: '2026:01:01 00:00:00' }, IFD2 })
          .jpeg()
          .toBuffer(),
      ).taken
    const digitized = { DateTimeDigitized: '2025:05:05 05:05:05' }
    expect(await taken({})).toBeNull()
    expect(await taken(digitized)).toBe('2025-05-05T05:05:05')
    expect(await taken({ ...digitized, DateTimeOriginal: '2024:04:04 04:04:04' })).toBe('2024-04-04T04:04:04')
  })
})

test.each<[Record<string, string>, string]>([
  [{ GPSLatitude: '48/1 8/1 0/1', GPSLongitude: '11/1 0/1 0/1', GPSLongitudeRef: 'E' }, 'no hemisphere'],
  [
    { GPSLatitude: '91/1 0/1 0/1', GPSLatitudeRef: 'N', GPSLongitude: '11/1 0/1 0/1', GPSLongitudeRef: 'E' },
    'a latitude of 91',
  ],
  [
    { GPSLatitude: '0/0 0/0 0/0', GPSLatitudeRef: 'N', GPSLongitude: '0/0 0/0 0/0', GPSLongitudeRef: 'E' },
    'zeros over zeros',
  ],
])('a position of %o is none: %s', async (IFD3) => {
  expect(exifOf(await solid('red').withExif({ IFD3 }).jpeg().toBuffer()).gps).toBeNull()
})

test('what lies below the sea and in the south is negative', () => {
  const main = block([[0x8825, 4, 26]])
  expect(main.length).toBe(26)
  const gps = directory(
    [
      [1, 2, 'S\0'],
      [2, RATIONAL, rationals(36, 1, 30, 1, 0, 1)],
      [3, 2, 'E\0'],
      [4, RATIONAL, rationals(174, 1, 0, 1, 0, 1)],
      [5, 1, 1],
      [6, RATIONAL, rationals(25, 2)],
    ],
    main.length,
  )
  const { gps: position, error } = exifOf(webpWith(Buffer.concat([main, gps])))
  expect([position, error]).toEqual([{ latitude: -36.5, longitude: 174, altitude: -12.5 }, null])
})

describe('damage', () => {
  test('of one tag leaves the others', () => {
    const bytes = webpWith(
      block(
        [
          [0x010f, 2, 'Acme\0'],
          [0x0110, 2, 'far away'],
          [0x0112, 3, 6],
          [0x013b, 99, 7],
        ],
        { far: 0x0110 },
      ),
    )
    expect(exifOf(bytes)).toMatchObject({
      camera: { make: 'Acme', model: null },
      orientation: 6,
      error:
        'EXIF is damaged: its tag 0x0110 lies outside of it, its tag 0x013b is of type 99, which there is not',
    })
  })

  test.each([
    ['rubbish', Buffer.from('rubbish!'), 'it begins with neither II nor MM'],
    ['a wrong version', Buffer.from('II\x07\0\x08\0\0\0', 'latin1'), 'its version is 7, not 42'],
    [
      'nothing behind its head',
      Buffer.from('II*\0\x08\0\0\0', 'latin1'),
      'its directory ifd0 lies outside of it',
    ],
    [
      'a directory cut off',
      Buffer.from('MM\0*\0\0\0\x08\xff\xff\0\0', 'latin1'),
      'its directory ifd0 is cut off after 0 of 65535 tags',
    ],
  ])('%s is told, and the picture is not lost', (_, content, problem) => {
    expect(exifOf(webpWith(content))).toEqual({
      format: 'webp',
      ...NOTHING,
      error: `EXIF is damaged: ${problem}`,
    })
  })

  test('of many tags is told in short', () => {
    const tags = Array.from({ length: 9 }, (_, at) => [0x9000 + at, 99, 0] as const)
    expect(exifOf(webpWith(block(tags))).error).toMatch(/^EXIF is damaged: its tag 0x9000 .*, and 6 more$/)
  })

  test('of any bytes does not throw', async () => {
    const whole = await tagged().jpeg().toBuffer()
    const { start, end } = findExif(whole)!
    const change = fc.tuple(fc.integer({ min: start, max: end - 1 }), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of changes) bytes[at] = value
        JSON.stringify(exifOf(bytes, ['all']))
      }),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: whole.length }),
        (length) => void exifOf(whole.subarray(0, length), ['all']),
      ),
    )
  })

  test('of the boxes of AVIF does not throw', async () => {
    const whole = await tagged().avif().toBuffer()
    const change = fc.tuple(fc.integer({ min: 12, max: 500 }), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of changes) bytes[at] = value
        exifOf(bytes, ['all'])
      }),
      { numRuns: 500 },
    )
  })
})

type Tag = readonly [tag: number, type: number, value: string | Buffer | number]

/** A block of one directory. */
function block(tags: readonly Tag[], options: { isLittle?: boolean; far?: number } = {}): Buffer {
  const head = Buffer.from(options.isLittle === false ? 'MM\0*\0\0\0\b' : 'II*\0\b\0\0\0', 'latin1')
  return Buffer.concat([head, directory(tags, head.length, options)])
}

/** Tags and their values, to lie at `start`; the value of the tag `far` is said to lie far outside. */
function directory(tags: readonly Tag[], start: number, { isLittle = true, far = -1 } = {}): Buffer {
  const head = Buffer.alloc(2 + tags.length * 12 + 4)
  const u16 = (value: number, at: number) =>
    isLittle ? head.writeUInt16LE(value, at) : head.writeUInt16BE(value, at)
  const u32 = (value: number, at: number) =>
    isLittle ? head.writeUInt32LE(value, at) : head.writeUInt32BE(value, at)
  const values: Buffer[] = []
  let behind = start + head.length
  u16(tags.length, 0)
  for (const [index, [tag, type, value]] of tags.entries()) {
    const at = 2 + index * 12
    u16(tag, at)
    u16(type, at + 2)
    if (typeof value === 'number') {
      u32(1, at + 4)
      u16(value, at + 8)
      continue
    }
    const bytes = Buffer.from(value)
    u32(type === RATIONAL ? bytes.length / 8 : bytes.length, at + 4)
    if (bytes.length <= 4) bytes.copy(head, at + 8)
    else {
      u32(tag === far ? 0xffff_0000 : behind, at + 8)
      values.push(bytes)
      behind += bytes.length
    }
  }
  return Buffer.concat([head, ...values])
}

const RATIONAL = 5

/** Fractions, as a tag has them. */
function rationals(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4)
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, index * 4)
  return bytes
}

/** A WebP of which only the EXIF is to be read. */
function webpWith(content: Buffer): Buffer {
  const chunk = Buffer.alloc(8)
  chunk.write('EXIF', 'latin1')
  chunk.writeUInt32LE(content.length, 4)
  const padding = Buffer.alloc(content.length % 2)
  return Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBP', 'latin1'), chunk, content, padding])
}
