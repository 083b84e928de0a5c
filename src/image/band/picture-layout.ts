import { type PictureFormat, sniffFormat } from '../format.js'
import { fourCharacters, u8, u16be, u32be } from '../header/picture-header.js'
import { HeaderWindow, memoryReader, type RangeReader } from './range-reader.js'
import { TAG, TiffDirectory } from './tiff-directory.js'
import { openTiffRows } from './tiff-rows.js'

/** What a header tells of a picture that can be cut into bands. */
export interface PictureLayout {
  readonly format: PictureFormat
  /** In pixels, as stored. */
  readonly width: number
  readonly height: number
  /** EXIF's: 1 to 8. */
  readonly orientation: number
  /**
   * `rows` where any rows can be read; `top-down` where all above must be decoded, `once` where moreover a decoder
   * holds all of it.
   */
  readonly access: 'rows' | 'top-down' | 'once'
  /** Rows that can only be read together. */
  readonly align: number
  /** Of a pixel as it is decoded. */
  readonly bytesOfPixel: number
}

/**
 * Reads a picture's header, and nothing else of it.
 * @returns undefined for what can't be cut: other formats, and headers that make no sense.
 */
export async function readPictureLayout(source: RangeReader): Promise<PictureLayout | undefined> {
  const window = new HeaderWindow(source)
  const format = sniffFormat(await window.bytes(0, MAGIC_BYTES))
  const layout = format && (await LAYOUTS[format]?.(window))
  if (!layout || layout.width < 1 || layout.height < 1) return undefined
  const { orientation } = layout
  return { ...layout, orientation: orientation >= 1 && orientation <= 8 ? orientation : 1 }
}

/** Others decode all of a picture at once, so that bands of it would save nothing. */
const LAYOUTS: Partial<Record<PictureFormat, (window: HeaderWindow) => Promise<PictureLayout | undefined>>> =
  { jpeg: jpegLayout, png: pngLayout, tiff: tiffLayout }

/** More than any format's magic takes. */
const MAGIC_BYTES = 64
/** Segments before the frame; real files have a few dozen. */
const MAX_SEGMENTS = 1024
const MAX_CHUNKS = 256

// Markers of JPEG.
const APP1 = 0xe1
const SOS = 0xda
const EOI = 0xd9
const EXIF = Buffer.from('Exif\0\0', 'latin1')
/** Frames whose scans go over the picture several times: progressive ones. */
const SEVERAL_SCANS: ReadonlySet<number> = new Set([0xc2, 0xc6, 0xca, 0xce])

/** The layout of a JPEG's segments is told in header/jpeg.ts. */
async function jpegLayout(window: HeaderWindow): Promise<PictureLayout | undefined> {
  let orientation: number | undefined
  let at = 2
  for (let segments = 0; segments < MAX_SEGMENTS; segments++) {
    const head = await window.bytes(at, 10)
    if (head.length < 10 || head[0] !== 0xff) return undefined
    const marker = head[1]!
    if (marker === SOS || marker === EOI) return undefined
    if (marker === 0xff) {
      at++
      continue
    }
    const length = Math.max(2, u16be(head, 2))
    if (isFrame(marker)) {
      return {
        format: 'jpeg',
        height: u16be(head, 5),
        width: u16be(head, 7),
        orientation: orientation ?? 1,
        access: SEVERAL_SCANS.has(marker) ? 'once' : 'top-down',
        align: 1,
        bytesOfPixel: (await window.bytes(at + 9, 1))[0] ?? 3,
      }
    }
    if (marker === APP1 && orientation === undefined) {
      const exif = await window.bytes(at + 4, length - 2)
      if (EXIF.equals(exif.subarray(0, EXIF.length))) {
        orientation = await exifOrientation(exif.subarray(EXIF.length))
      }
    }
    at += isStandalone(marker) ? 2 : 2 + length
  }
  return undefined
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)
}

/** EXIF is laid out as a TIFF. */
async function exifOrientation(exif: Uint8Array): Promise<number | undefined> {
  return (await TiffDirectory.read(memoryReader(exif)))?.number(TAG.orientation)
}

/** The layout of a PNG's chunks is told in header/png.ts. */
async function pngLayout(window: HeaderWindow): Promise<PictureLayout | undefined> {
  const head = await window.bytes(0, 29)
  if (head.length < 29 || fourCharacters(head, 12) !== 'IHDR') return undefined
  let orientation = 1
  let at = 8
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks++) {
    const chunk = await window.bytes(at, 8)
    const type = fourCharacters(chunk, 4)
    if (chunk.length < 8 || type === 'IDAT') break
    const length = u32be(chunk, 0)
    if (type === 'eXIf') orientation = (await exifOrientation(await window.bytes(at + 8, length))) ?? 1
    at += 12 + length
  }
  const bytesOfSample = u8(head, 24) > 8 ? 2 : 1
  return {
    format: 'png',
    width: u32be(head, 16),
    height: u32be(head, 20),
    orientation,
    access: u8(head, 28) === 0 ? 'top-down' : 'once',
    align: 1,
    bytesOfPixel: 4 * bytesOfSample,
  }
}

async function tiffLayout({ source }: HeaderWindow): Promise<PictureLayout | undefined> {
  const rows = await openTiffRows(source)
  if (!rows) return undefined
  const { width, height, align, orientation, directory } = rows
  const samples = (await directory.number(TAG.samplesPerPixel)) ?? 1
  const bits = (await directory.number(TAG.bitsPerSample)) ?? 1
  const bytesOfPixel = samples * Math.max(1, Math.ceil(bits / 8))
  return { format: 'tiff', width, height, orientation, access: 'rows', align, bytesOfPixel }
}
