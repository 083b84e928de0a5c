import { u16be, u16le, u32be, u32le } from '../header/picture-header.js'
import type { ExifBlock } from './block.js'

/** A tag's value: text, or a number, or several; bytes where the type says no more. */
export type TagValue = string | number | readonly number[] | Uint8Array

/** The directories that are read, each with its tags by number. */
export type ExifDirectories = Readonly<Record<DirectoryName, ReadonlyMap<number, TagValue>>>
export type DirectoryName = 'ifd0' | 'exif' | 'gps'

export interface ExifContent {
  readonly directories: ExifDirectories
  /** What could not be read, in words; the rest could. */
  readonly problems: readonly string[]
}

/**
 * Reads EXIF (CIPA DC-008), laid out as TIFF. Offsets count from the block's begin:
 *
 *     byte order 'II' or 'MM', 42 u16, offset of the first directory u32
 *     directory  entries u16, then each: tag u16, type u16, count u32, value (or its offset where it takes more
 *                than 4 bytes), then the offset of the next directory u32: that of the preview, which is not read
 *
 * Each value is checked before it is believed: one that lies outside takes no other with it.
 */
export function readExifDirectories(bytes: Uint8Array, block: ExifBlock): ExifContent {
  const reader = new DirectoryReader(bytes, block)
  const first = reader.firstDirectory()
  const ifd0 = reader.read('ifd0', first)
  const exif = reader.read('exif', offsetIn(ifd0, TAG_EXIF_DIRECTORY))
  const gps = reader.read('gps', offsetIn(ifd0, TAG_GPS_DIRECTORY))
  return { directories: { ifd0, exif, gps }, problems: reader.problems }
}

/** Where the first directory has the offset of the next, which is that of the preview. */
export function nextDirectoryAt(bytes: Uint8Array, block: ExifBlock): number | undefined {
  const reader = new DirectoryReader(bytes, block)
  const first = reader.firstDirectory()
  if (first === undefined) return undefined
  const at = block.start + first + 2 + reader.u16(first) * ENTRY_BYTES
  return at + 4 <= block.end && u32be(bytes, at) !== 0 ? at : undefined
}

const TAG_EXIF_DIRECTORY = 0x8769
const TAG_GPS_DIRECTORY = 0x8825
const TAG_MAKER_NOTE = 0x927c
const ENTRY_BYTES = 12
const TIFF_MAGIC = 42

/** Text and bytes of more than this are no description; lists of a TIFF's strips are no EXIF. */
const MAX_VALUE_BYTES = 64 * 1024
const MAX_PROBLEMS = 100

/** Bytes of one value, by type: byte, text, u16, u32, rational and so on; IFD, 13, is an offset. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4]
const ASCII = 2
const UNDEFINED = 7

function offsetIn(directory: ReadonlyMap<number, TagValue>, tag: number): number | undefined {
  const value = directory.get(tag)
  return typeof value === 'number' ? value : undefined
}

class DirectoryReader {
  readonly problems: string[] = []
  private readonly isLittle: boolean
  private readonly length: number

  constructor(
    private readonly bytes: Uint8Array,
    private readonly block: ExifBlock,
  ) {
    this.isLittle = bytes[block.start] === 0x49
    this.length = block.end - block.start
  }

  firstDirectory(): number | undefined {
    const [first, second] = [this.bytes[this.block.start], this.bytes[this.block.start + 1]]
    if (first !== second || (first !== 0x49 && first !== 0x4d)) {
      this.problem('it begins with neither II nor MM')
      return undefined
    }
    const magic = this.u16(2)
    if (magic === TIFF_MAGIC) return this.u32(4)
    this.problem(`its version is ${magic}, not ${TIFF_MAGIC}`)
    return undefined
  }

  read(name: DirectoryName, at: number | undefined): Map<number, TagValue> {
    const tags = new Map<number, TagValue>()
    if (at === undefined) return tags
    if (at + 2 > this.length) {
      this.problem(`its directory ${name} lies outside of it`)
      return tags
    }
    const entries = this.u16(at)
    const whole = Math.min(entries, Math.floor((this.length - at - 2) / ENTRY_BYTES))
    if (whole < entries) this.problem(`its directory ${name} is cut off after ${whole} of ${entries} tags`)
    for (let index = 0; index < whole; index++) {
      const entry = at + 2 + index * ENTRY_BYTES
      const tag = this.u16(entry)
      const value = tag === TAG_MAKER_NOTE ? undefined : this.value(entry)
      if (value !== undefined && !tags.has(tag)) tags.set(tag, value)
    }
    return tags
  }

  private value(entry: number): TagValue | undefined {
    const tag = `0x${this.u16(entry).toString(16).padStart(4, '0')}`
    const type = this.u16(entry + 2)
    const count = this.u32(entry + 4)
    const size = TYPE_BYTES[type]
    if (!size) return this.problem(`its tag ${tag} is of type ${type}, which there is not`)
    const length = size * count
    const at = length > 4 ? this.u32(entry + 8) : entry + 8
    if (at + length > this.length) return this.problem(`its tag ${tag} lies outside of it`)
    if (count === 0 || length > MAX_VALUE_BYTES) return undefined
    const start = this.block.start + at
    if (type === ASCII) return textOf(this.bytes.subarray(start, start + length))
    if (type === UNDEFINED) return this.bytes.subarray(start, start + length)
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + start, length)
    const values = Array.from({ length: count }, (_, index) => this.number(view, type, index * size))
    return count === 1 ? values[0]! : values
  }

  private number(view: DataView, type: number, at: number): number {
    const little = this.isLittle
    switch (type) {
      case 3:
        return view.getUint16(at, little)
      case 4:
      case 13:
        return view.getUint32(at, little)
      case 5:
        return view.getUint32(at, little) / view.getUint32(at + 4, little)
      case 6:
        return view.getInt8(at)
      case 8:
        return view.getInt16(at, little)
      case 9:
        return view.getInt32(at, little)
      case 10:
        return view.getInt32(at, little) / view.getInt32(at + 4, little)
      case 11:
        return view.getFloat32(at, little)
      case 12:
        return view.getFloat64(at, little)
      default:
        return view.getUint8(at)
    }
  }

  u16(at: number): number {
    return (this.isLittle ? u16le : u16be)(this.bytes, this.block.start + at)
  }

  private u32(at: number): number {
    return (this.isLittle ? u32le : u32be)(this.bytes, this.block.start + at)
  }

  private problem(what: string): undefined {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(what)
  }
}

/** Up to the zero that ends it. ASCII by the standard, UTF-8 as cameras and programs write it, else Latin-1. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  const text = end < 0 ? bytes : bytes.subarray(0, end)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text).trim()
  } catch {
    return Buffer.from(text).toString('latin1').trim()
  }
}
