import type { Picture } from '../picture.js'
import { TAG } from './tiff-directory.js'

/** Pixels that need no decoding. */
export interface PlainPixels {
  readonly width: number
  readonly height: number
  /** 1 of grey, 3 of RGB. */
  readonly channels: number
  /** width * height * channels bytes. Not to be written to: they are the picture's own. */
  readonly data: Uint8Array
}

/**
 * The pixels of a band that is an uncompressed TIFF of 8-bit sRGB or grey, where they lie in its bytes: bands mostly
 * are, and decoding one would copy it. How a TIFF is laid out is told in tiff-directory.ts; of others than those that
 * `cutTiff` makes nothing is taken for granted.
 * @returns undefined for whatever takes more than looking: profiles, alpha, orientations, other depths and orders.
 */
export function plainPixels({ band, bytes }: Picture): PlainPixels | undefined {
  if (!band || bytes.length < 8 || bytes[0] !== bytes[1] || (bytes[0] !== 0x49 && bytes[0] !== 0x4d))
    return undefined
  const little = bytes[0] === 0x49
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint16(2, little) !== CLASSIC) return undefined
  const directory = view.getUint32(4, little)
  if (directory + 2 > bytes.length) return undefined
  const entries = view.getUint16(directory, little)
  if (directory + 2 + entries * ENTRY_BYTES > bytes.length) return undefined
  const tags = new Map<number, number[]>()
  for (let index = 0; index < entries; index++) {
    const at = directory + 2 + index * ENTRY_BYTES
    const values = valuesAt(view, at, little)
    if (!values) return undefined
    tags.set(view.getUint16(at, little), values)
  }
  const first = (tag: number) => tags.get(tag)?.[0]
  const [width, height] = [first(TAG.imageWidth) ?? 0, first(TAG.imageLength) ?? 0]
  const channels = first(TAG.samplesPerPixel) ?? 1
  const isAsExpected = [...tags].every(([tag, values]) => {
    const allowed = EXPECTED[tag]
    return allowed === undefined ? LAYOUT_TAGS.has(tag) : values.every((value) => allowed.includes(value))
  })
  const isColour = first(TAG.photometric) === RGB && channels === 3
  const isGrey = first(TAG.photometric) === BLACK_IS_ZERO && channels === 1
  if (!isAsExpected || !(isColour || isGrey) || tags.get(TAG.bitsPerSample)?.length !== channels)
    return undefined
  const offsets = tags.get(TAG.stripOffsets) ?? []
  const counts = tags.get(TAG.stripByteCounts) ?? []
  const [start] = offsets
  if (start === undefined || offsets.length !== counts.length) return undefined
  let end = start
  for (const [strip, offset] of offsets.entries()) {
    if (offset !== end) return undefined
    end += counts[strip]!
  }
  if (end - start !== width * height * channels || end > bytes.length) return undefined
  return { width, height, channels, data: bytes.subarray(start, end) }
}

const CLASSIC = 42
const ENTRY_BYTES = 12
const BLACK_IS_ZERO = 1
const RGB = 2
const SHORT = 3
const LONG = 4

/** What may be told of plain pixels, and how. */
const EXPECTED: Readonly<Record<number, readonly number[]>> = {
  [TAG.bitsPerSample]: [8],
  [TAG.compression]: [1],
  [TAG.photometric]: [BLACK_IS_ZERO, RGB],
  [TAG.fillOrder]: [1],
  [TAG.orientation]: [1],
  [TAG.planarConfiguration]: [1],
  [TAG.predictor]: [1],
  [TAG.sampleFormat]: [1],
}
const LAYOUT_TAGS: ReadonlySet<number> = new Set([
  TAG.imageWidth,
  TAG.imageLength,
  TAG.samplesPerPixel,
  TAG.stripOffsets,
  TAG.rowsPerStrip,
  TAG.stripByteCounts,
])

/** The values of an entry of whole numbers. */
function valuesAt(view: DataView, at: number, little: boolean): number[] | undefined {
  const type = view.getUint16(at + 2, little)
  const count = view.getUint32(at + 4, little)
  const size = type === SHORT ? 2 : type === LONG ? 4 : 0
  if (size === 0) return undefined
  const from = size * count <= 4 ? at + 8 : view.getUint32(at + 8, little)
  if (from + size * count > view.byteLength) return undefined
  return Array.from({ length: count }, (_, index) =>
    size === 2 ? view.getUint16(from + 2 * index, little) : view.getUint32(from + 4 * index, little),
  )
}
