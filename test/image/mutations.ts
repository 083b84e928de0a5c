import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { PictureError } from '../../src/errors.js'
import { animation, photograph, quadrants } from './pictures.js'

/** Numbers from 0 to `below` - 1, the same for the same seed (mulberry32). */
export type Random = (below: number) => number

export function seeded(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** A small picture of every format and of most of what is in one, by names that tell it. */
export async function mutationSamples(): Promise<ReadonlyMap<string, Buffer>> {
  const small = () => sharp(photograph('coffee.jpg')).resize(64, 40)
  const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url))
  const drawn: Record<string, Sharp> = {
    'baseline.jpg': small().jpeg(),
    'progressive.jpg': small().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
    'cmyk.jpg': small().toColourspace('cmyk').jpeg(),
    'exif.jpg': small().withMetadata({ orientation: 6 }).withXmp('<x/>').withIccProfile('p3').jpeg(),
    'rgb.png': small().png(),
    'interlaced.png': small().png({ progressive: true }),
    'palette.png': small().png({ palette: true, colours: 16 }),
    'rgba16.png': small().ensureAlpha(0.5).toColourspace('rgb16').png(),
    'metadata.png': small().withMetadata({ orientation: 3 }).withIccProfile('p3').png(),
    'lossy.webp': small().webp(),
    'lossless.webp': small().webp({ lossless: true }),
    'alpha.webp': small().ensureAlpha(0.5).withMetadata({ orientation: 8 }).webp(),
    'still.gif': small().gif(),
    'plain.tif': small().tiff({ compression: 'none' }),
    'lzw.tif': small().tiff({ compression: 'lzw', predictor: 'horizontal' }),
    'deflate16.tif': small().toColourspace('rgb16').tiff({ compression: 'deflate' }),
    'jpeg-tiles.tif': small().tiff({ compression: 'jpeg', tile: true, tileWidth: 16, tileHeight: 16 }),
    'fax.tif': small().threshold().toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1 }),
    'packbits-big.tif': small().tiff({ compression: 'packbits', bigtiff: true }),
    'still.avif': quadrants().avif({ effort: 0 }),
    'alpha.avif': quadrants().ensureAlpha(0.5).avif({ effort: 0 }),
  }
  const encoded = Object.entries(drawn).map(
    async ([name, picture]) => [name, await picture.toBuffer()] as const,
  )
  return new Map([
    ...(await Promise.all(encoded)),
    ['animated.gif', await animation('gif')],
    ['animated.webp', await animation('webp')],
    ['arithmetic.jpg', fixture('jpeg/testimgari.jpg')],
    ['restart.jpg', fixture('jpeg/restart-markers.jpg')],
    ['drawing.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
  ])
}

/** Numbers at which arithmetic on lengths goes wrong. */
const EDGES = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
]

/** A picture with one fault in it, or up to six, most of them where headers are; the same for the same numbers. */
export function mutated(sample: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(sample)
  const faults = 1 + random(2) * random(6)
  for (let fault = 0; fault < faults && bytes.length > 0; fault++) bytes = withFault(bytes, random)
  // A checksum would keep most faults from where they may do harm.
  return random(2) === 0 ? withChecksums(bytes) : bytes
}

function withFault(bytes: Buffer, random: Random): Buffer {
  const isInHeader = random(3) > 0
  const place = () => random(isInHeader ? Math.min(bytes.length, 600) : bytes.length)
  const at = place()
  const length = 1 + random(random(2) === 0 ? 8 : 400)
  switch (random(9)) {
    case 0:
      bytes[at]! ^= 1 << random(8)
      return bytes
    case 1:
      bytes[at] = random(256)
      return bytes
    case 2:
      return writeNumber(bytes, at, EDGES[random(EDGES.length)]!, random)
    case 3:
      return writeNumber(bytes, at, random(bytes.length * 2), random)
    case 4: // two fields change places
      return swapped(bytes, at, place(), 1 << random(3))
    case 5:
      return bytes.subarray(0, random(bytes.length))
    case 6: // a piece is lost
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    case 7: {
      const noise = Buffer.from(Array.from({ length }, () => random(256)))
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)])
    }
    default: // a piece comes twice
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
  }
}

function writeNumber(bytes: Buffer, at: number, value: number, random: Random): Buffer {
  const length = 1 << random(3)
  if (at + length > bytes.length) return bytes
  const clipped = value % 2 ** (8 * length)
  if (random(2) === 0) bytes.writeUIntBE(clipped, at, length)
  else bytes.writeUIntLE(clipped, at, length)
  return bytes
}

function swapped(bytes: Buffer, one: number, other: number, length: number): Buffer {
  const [first, second] = [one, other].map((at) => Buffer.from(bytes.subarray(at, at + length)))
  if (first!.length === length && second!.length === length) {
    bytes.set(second!, one)
    bytes.set(first!, other)
  }
  return bytes
}

/** A PNG whose chunks have the checksums of what is in them, as far as the chunks can be told apart. */
function withChecksums(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 1, 4) !== 'PNG') return bytes
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at)
    if (end + 4 > bytes.length) break
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end)
    at = end + 4
  }
  return bytes
}

/**
 * How an operation on a picture under the key `key` ends.
 * @returns why it was refused, undefined when it was not.
 * @throws Error where it was refused in other words than ours.
 */
export async function refusalOf(key: string, operation: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await operation()
    return undefined
  } catch (error) {
    const start = `Cannot decode "${key}": `
    const reason = error instanceof PictureError ? error.message.slice(start.length) : ''
    const isOurs = error instanceof PictureError && error.message.startsWith(start)
    if (isOurs && /^\S.{9,400}$/.test(reason) && !/undefined|NaN|\[object/.test(reason)) return reason
    throw new Error(`"${key}" ended in words that are not ours: ${String(error)}`, { cause: error })
  }
}
