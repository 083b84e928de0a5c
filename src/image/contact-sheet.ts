import { UsageError } from '../errors.js'
import { drawText, LINE_HEIGHT, plainText, textWidth } from './bitmap-font.js'
import { Picture, pictureError } from './picture.js'
import { decodeRgb, encodeRgb, RGB_CHANNELS, type RgbPixels } from './rgb.js'
import { loadSharp } from './sharp.js'

export interface ContactSheetOptions {
  /** Pictures side by side. @default 6 */
  columns?: number
  /** Rows of pictures on a sheet; more of them begin the next sheet. @default 8 */
  rows?: number
  /** Length of the sides of the square that holds a picture, in pixels. @default 160 */
  cell?: number
  /** Whether each picture's label stands below it. @default false */
  labels?: boolean
  /** CSS colour between the pictures. @default 'white' */
  background?: string
  /** @default 'jpeg' */
  format?: 'jpeg' | 'png' | 'webp' | 'avif'
  /** Of JPEG, WebP and AVIF, 1 to 100. @default 80 */
  quality?: number
}

/** A picture of a sheet. */
export interface SheetPicture {
  label: string
  /** Encoded, no larger than a cell. */
  bytes: Uint8Array
}

/** Around the sheet and between the cells, in pixels. */
const GAP = 8

/** A label's dots grow with the cells. */
const CELL_PIXELS_A_DOT = 160

/**
 * Lays pictures out in a grid, row by row in the order given, on as many sheets as that takes. One sheet is
 * in memory at a time, whatever the number of pictures; the last is as small as its pictures allow.
 * @returns the encoded sheets.
 * @throws PictureError for a picture that can't be decoded, UsageError for a background that is no colour.
 */
export async function* contactSheets(
  pictures: AsyncIterable<SheetPicture>,
  options: ContactSheetOptions = {},
): AsyncGenerator<Uint8Array> {
  const { columns = 6, rows = 8, cell = 160, labels = false, background = 'white' } = options
  const { format = 'jpeg', quality = 80 } = options
  const scale = Math.max(1, Math.round(cell / CELL_PIXELS_A_DOT))
  const pitch = { x: cell + GAP, y: cell + GAP + (labels ? LINE_HEIGHT * scale + GAP : 0) }
  const color = await parseColor(background)
  const ink = color.reduce((sum, part) => sum + part) / RGB_CHANNELS < 128 ? WHITE : BLACK
  let sheet: RgbPixels | undefined
  let count = 0

  for await (const { label, bytes } of pictures) {
    sheet ??= emptySheet(GAP + columns * pitch.x, GAP + rows * pitch.y, color)
    const left = GAP + (count % columns) * pitch.x
    const top = GAP + Math.floor(count / columns) * pitch.y
    const pixels = await decodeRgb(new Picture(label, bytes), { background })
    place(pixels, sheet, left + half(cell - pixels.width), top + half(cell - pixels.height))
    if (labels) {
      const text = shortened(plainText(label), cell, scale)
      const indent = half(cell - textWidth(text.length) * scale)
      drawText(sheet, text, { left: left + indent, top: top + cell + half(GAP), scale, color: ink })
    }
    if (++count < columns * rows) continue
    yield await encodeRgb(sheet, format, quality)
    sheet = undefined
    count = 0
  }
  if (sheet) yield await encodeRgb(filledPart(sheet), format, quality)

  function filledPart(full: RgbPixels): RgbPixels {
    const width = GAP + Math.min(columns, count) * pitch.x
    const height = GAP + Math.ceil(count / columns) * pitch.y
    const part = emptySheet(width, height, color)
    const rowBytes = width * RGB_CHANNELS
    for (let row = 0; row < height; row++) {
      const from = row * full.width * RGB_CHANNELS
      part.data.set(full.data.subarray(from, from + rowBytes), row * rowBytes)
    }
    return part
  }
}

const WHITE = [0xff, 0xff, 0xff]
const BLACK = [0, 0, 0]

function half(pixels: number): number {
  return Math.floor(pixels / 2)
}

function emptySheet(width: number, height: number, color: Uint8Array): RgbPixels {
  return { width, height, data: new Uint8Array(Buffer.alloc(width * height * RGB_CHANNELS, color)) }
}

function place(pixels: RgbPixels, sheet: RgbPixels, left: number, top: number): void {
  const rowBytes = pixels.width * RGB_CHANNELS
  for (let row = 0; row < pixels.height; row++) {
    const source = pixels.data.subarray(row * rowBytes, (row + 1) * rowBytes)
    sheet.data.set(source, ((top + row) * sheet.width + left) * RGB_CHANNELS)
  }
}

/** The end of a name tells more than its beginning. */
function shortened(text: string, cell: number, scale: number): string {
  let most = text.length
  while (most > 0 && textWidth(most) * scale > cell) most--
  return most === text.length ? text : `..${text.slice(text.length - Math.max(0, most - 2))}`.slice(0, most)
}

/** sharp knows CSS's colours. */
async function parseColor(background: string): Promise<Uint8Array> {
  try {
    const create = { width: 1, height: 1, channels: RGB_CHANNELS, background } as const
    return await loadSharp()({ create }).raw().toBuffer()
  } catch (error) {
    if (error instanceof Error && /^Unable to parse color/.test(error.message)) {
      throw new UsageError(
        `Cannot make contact sheets: background is ${JSON.stringify(background)}, expected a CSS colour`,
      )
    }
    throw pictureError('the sheet', error)
  }
}
