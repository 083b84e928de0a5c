import { HeaderWindow, type RangeReader } from './range-reader.js'

/*
 * TIFF 6.0, and BigTIFF, whose fields in brackets are wider:
 *
 *   byte order 'II' or 'MM', 42 u16, offset of the first directory u32
 *   [ byte order, 43 u16, 8 u16, 0 u16, offset u64 ]
 *   directory   entries u16 [u64], then each entry: tag u16, type u16, count u32 [u64],
 *               value where it fits into 4 [8] bytes, else its offset; then the offset of the next directory
 */
const CLASSIC = 42
const BIG = 43

export const TAG = {
  imageWidth: 256,
  imageLength: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  t4Options: 292,
  t6Options: 293,
  predictor: 317,
  colorMap: 320,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  inkSet: 332,
  extraSamples: 338,
  sampleFormat: 339,
  jpegTables: 347,
  yCbCrCoefficients: 529,
  yCbCrSubSampling: 530,
  yCbCrPositioning: 531,
  referenceBlackWhite: 532,
  iccProfile: 34675,
} as const

export const TYPE = { short: 3, long: 4, long8: 16 } as const

/** Bytes of a value of each type, by its number. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]

/** Far more than any picture has; keeps hostile bytes from taking memory. */
const MAX_ENTRIES = 1024
const MAX_VALUE_BYTES = 64 * 1024 * 1024

export interface TiffEntry {
  readonly tag: number
  readonly type: number
  /** Values, not bytes. */
  readonly count: number
  /** Where the values are in the file. */
  readonly at: number
  /** Of all values. */
  readonly byteLength: number
}

/** A directory of a TIFF: the tags of one of its pictures. */
export class TiffDirectory {
  private constructor(
    private readonly window: HeaderWindow,
    readonly isLittleEndian: boolean,
    private readonly entries: ReadonlyMap<number, TiffEntry>,
    private readonly next: number,
    private readonly isBig: boolean,
  ) {}

  /** The first directory; undefined where the bytes are no TIFF or end within it. */
  static async read(source: RangeReader): Promise<TiffDirectory | undefined> {
    const window = new HeaderWindow(source)
    const header = view(await window.bytes(0, 16))
    if (header.byteLength < 16) return undefined
    const order = header.getUint16(0)
    if (order !== 0x4949 && order !== 0x4d4d) return undefined
    const little = order === 0x4949
    const magic = header.getUint16(2, little)
    if (magic !== CLASSIC && magic !== BIG) return undefined
    const isBig = magic === BIG
    const first = isBig ? Number(header.getBigUint64(8, little)) : header.getUint32(4, little)
    return TiffDirectory.at(window, first, little, isBig)
  }

  private static async at(
    window: HeaderWindow,
    at: number,
    little: boolean,
    isBig: boolean,
  ): Promise<TiffDirectory | undefined> {
    const size = isBig ? { head: 8, entry: 20, value: 8 } : { head: 2, entry: 12, value: 4 }
    const head = view(await window.bytes(at, size.head))
    if (head.byteLength < size.head) return undefined
    const count = isBig ? Number(head.getBigUint64(0, little)) : head.getUint16(0, little)
    if (count === 0 || count > MAX_ENTRIES) return undefined
    const bytes = view(await window.bytes(at + size.head, count * size.entry + size.value))
    if (bytes.byteLength < count * size.entry) return undefined
    const entries = new Map<number, TiffEntry>()
    for (let index = 0; index < count; index++) {
      const entry = index * size.entry
      const type = bytes.getUint16(entry + 2, little)
      const values = isBig
        ? Number(bytes.getBigUint64(entry + 4, little))
        : bytes.getUint32(entry + 4, little)
      const byteLength = values * (TYPE_BYTES[type] ?? 0)
      const valueAt = entry + size.entry - size.value
      const offset = isBig ? Number(bytes.getBigUint64(valueAt, little)) : bytes.getUint32(valueAt, little)
      const here = at + size.head + valueAt
      const tag = bytes.getUint16(entry, little)
      entries.set(tag, { tag, type, count: values, byteLength, at: byteLength <= size.value ? here : offset })
    }
    const end = count * size.entry
    const hasNext = bytes.byteLength >= end + size.value
    const next = !hasNext ? 0 : isBig ? Number(bytes.getBigUint64(end, little)) : bytes.getUint32(end, little)
    return new TiffDirectory(window, little, entries, next, isBig)
  }

  /** How many directories hang on the chain from this one on, counted no further than `atMost`. */
  async chainLength(atMost: number): Promise<number> {
    let length = 1
    for (let next = this.next; next !== 0 && length < atMost; length++) {
      const directory = await TiffDirectory.at(this.window, next, this.isLittleEndian, this.isBig)
      if (!directory) break
      next = directory.next
    }
    return length
  }

  has(tag: number): boolean {
    return this.entries.has(tag)
  }

  entry(tag: number): TiffEntry | undefined {
    return this.entries.get(tag)
  }

  /** The first value of a tag, where it is one whole number. */
  async number(tag: number): Promise<number | undefined> {
    return (await this.numbers(tag))[0]
  }

  /** The values of a tag of whole numbers; none where it is missing or cut off. */
  async numbers(tag: number): Promise<number[]> {
    const entry = this.entries.get(tag)
    if (!entry) return []
    const bytes = view(await this.bytes(tag))
    const size = TYPE_BYTES[entry.type] ?? 0
    if (size === 0 || bytes.byteLength < entry.byteLength) return []
    const little = this.isLittleEndian
    return Array.from({ length: entry.count }, (_, index) => {
      if (size === 1) return bytes.getUint8(index)
      if (size === 2) return bytes.getUint16(2 * index, little)
      return size === 4 ? bytes.getUint32(4 * index, little) : Number(bytes.getBigUint64(8 * index, little))
    })
  }

  /** The values of a tag as they stand in the file. */
  async bytes(tag: number): Promise<Uint8Array> {
    const entry = this.entries.get(tag)
    if (!entry || entry.byteLength > MAX_VALUE_BYTES) return new Uint8Array(0)
    return this.window.bytes(entry.at, entry.byteLength)
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
