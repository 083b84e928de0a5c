import { UsageError } from '../../errors.js'
import type { Picture } from '../picture.js'
import { averageBits, averageSize } from './average-hash.js'
import { decodeSamples } from './decode-samples.js'
import { differenceBits, differenceSize } from './difference-hash.js'
import { hexOfBits } from './hex-bits.js'
import { shrunkLuma } from './luma.js'
import { pdqHash } from './pdq-hash.js'
import { perceptualBits, perceptualSize } from './perceptual-hash.js'

/** Those that look at a small grey picture: its size, and what bits it has. */
const SHRINKING = {
  average: { size: averageSize, bits: averageBits },
  difference: { size: differenceSize, bits: differenceBits },
  perceptual: { size: perceptualSize, bits: perceptualBits },
} as const satisfies Record<string, ShrinkingHash>

interface ShrinkingHash {
  size(hashSize: number): [width: number, height: number]
  bits(luma: Uint8Array, hashSize: number): boolean[]
}

export const HASH_METHODS = ['average', 'difference', 'perceptual', 'pdq'] as const
export type HashMethod = (typeof HASH_METHODS)[number]

export const LEAST_HASH_SIZE = 2
export const MOST_HASH_SIZE = 32

export interface HashOptions {
  /** @default 'perceptual' */
  method?: HashMethod
  /** The hash has this many bits, squared: 2 to 32; that of pdq always 256. @default 8 */
  hashSize?: number
  /**
   * Whether a large JPEG is decoded at a part of its size: in about half the time, with a bit or two of another value
   * now and then. @default false
   */
  draft?: boolean
}

/** A hash that is near to those of pictures that look alike: by the number of bits that differ. */
export interface ImageHash {
  /** The bits as a hexadecimal number, the first of them the highest. */
  hex: string
  /** Of pdq only: how much there is to see, 0 to 100. Hashes of less than 50 are better not compared. */
  quality?: number
}

/** A draft is decoded to this many times the size that is looked at, and not smaller than the least. */
const DRAFT_FACTOR = 2
const LEAST_DRAFT = 64
/** Of pdq, in pixels. */
const PDQ_DRAFT = 128

/**
 * Hashes a picture. Of a picture that is stored upright and no draft, the bits of `average`, `difference` and
 * `perceptual` are those of `average_hash`, `dhash` and `phash` of Python's ImageHash over Pillow 13, and those of
 * `pdq` are those of Meta's program.
 * @throws PictureError when the picture can't be decoded, LimitError when it is over a limit, UsageError when an
 *   option is out of its range.
 */
export async function imageHash(picture: Picture, options: HashOptions = {}): Promise<ImageHash> {
  const { method = 'perceptual', hashSize = 8, draft = false } = options
  if (!HASH_METHODS.includes(method)) {
    throw new UsageError(
      `Cannot hash pictures: method is ${JSON.stringify(method)}, expected ${HASH_METHODS.join(', ')}`,
    )
  }
  if (!Number.isInteger(hashSize) || hashSize < LEAST_HASH_SIZE || hashSize > MOST_HASH_SIZE) {
    throw new UsageError(
      `Cannot hash pictures: hashSize is ${hashSize}, expected a whole number from ${LEAST_HASH_SIZE} to ${MOST_HASH_SIZE}`,
    )
  }
  if (method === 'pdq') {
    const { bits, quality } = pdqHash(await decodeSamples(picture, draft ? { shortcut: PDQ_DRAFT } : {}))
    return { hex: hexOfBits(bits), quality }
  }
  const { size, bits } = SHRINKING[method]
  const [width, height] = size(hashSize)
  const shortcut = Math.max(LEAST_DRAFT, DRAFT_FACTOR * width)
  const samples = await decodeSamples(picture, draft ? { shortcut } : {})
  return { hex: hexOfBits(bits(shrunkLuma(samples, width, height), hashSize)) }
}
