import { deflateSync } from 'node:zlib'
import { encodeChunks } from './png-chunks.js'

/** The kinds of PNG that there are: the bit depths of each colour type. */
export const PNG_KINDS = [
  ...[1, 2, 4, 8, 16].map((depth) => ({ colourType: 0, depth, channels: 1 })),
  ...[8, 16].map((depth) => ({ colourType: 2, depth, channels: 3 })),
  ...[1, 2, 4, 8].map((depth) => ({ colourType: 3, depth, channels: 1 })),
  ...[8, 16].map((depth) => ({ colourType: 4, depth, channels: 2 })),
  ...[8, 16].map((depth) => ({ colourType: 6, depth, channels: 4 })),
]

export interface PngKind {
  readonly colourType: number
  readonly depth: number
  readonly channels: number
}

export interface PngContent extends PngKind {
  readonly width: number
  readonly height: number
  readonly isInterlaced: boolean
  /** Whether the first pixel's colour, or the first of the palette, is transparent. */
  readonly hasTransparency: boolean
  /** Any sample, 0 to 2^depth - 1. */
  sample(x: number, y: number, channel: number): number
  /** 0 to 4, of each row as it is stored. */
  filter(row: number): number
}

/** Start and step across and down of each pass. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** Colours of a palette of 256: no two alike. */
function paletteColour(index: number): number[] {
  return [index, (index * 7) & 0xff, 0xff - index]
}

/** A picture as a PNG. */
export function encodePng(content: PngContent): Buffer {
  const { width, height, depth, colourType, channels, isInterlaced, hasTransparency } = content
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, colourType, 0, 0, isInterlaced ? 1 : 0], 8)
  const chunks: [string, Uint8Array][] = [['IHDR', header]]
  if (colourType === 3) {
    chunks.push([
      'PLTE',
      Uint8Array.from(Array.from({ length: 2 ** depth }, (_, at) => paletteColour(at)).flat()),
    ])
  }
  if (hasTransparency) {
    const samples = Array.from({ length: channels }, (_, channel) => content.sample(0, 0, channel))
    const deep = samples.flatMap((value) => [value >> 8, value & 0xff])
    chunks.push(['tRNS', Uint8Array.from(colourType === 3 ? [0] : deep)])
  }
  const passes = isInterlaced ? ADAM7 : ([[0, 0, 1, 1]] as const)
  const rows: Buffer[] = []
  for (const [left, top, across, down] of passes) {
    let above: Buffer | undefined
    for (let y = top; y < height && left < width; y += down) {
      const row = packRow(content, left, across, y)
      rows.push(filtered(row, above ?? Buffer.alloc(row.length), content.filter(rows.length), content))
      above = row
    }
  }
  return encodeChunks([...chunks, ['IDAT', deflateSync(Buffer.concat(rows))], ['IEND', Buffer.alloc(0)]])
}

function packRow(content: PngContent, left: number, across: number, y: number): Buffer {
  const { width, depth, channels } = content
  const columns = Math.ceil((width - left) / across)
  const row = Buffer.alloc(Math.ceil((columns * channels * depth) / 8))
  for (let column = 0; column < columns; column++) {
    for (let channel = 0; channel < channels; channel++) {
      const value = content.sample(left + column * across, y, channel)
      const bit = (column * channels + channel) * depth
      if (depth === 16) row.writeUInt16BE(value, bit / 8)
      else row[bit >> 3]! |= value << (8 - depth - (bit & 7))
    }
  }
  return row
}

function filtered(row: Buffer, above: Buffer, filter: number, { channels, depth }: PngKind): Buffer {
  const step = Math.max(1, (channels * depth) / 8)
  const out = Buffer.alloc(1 + row.length)
  out[0] = filter
  for (const [at, value] of row.entries()) {
    const [left, up, corner] = [row[at - step] ?? 0, above[at]!, above[at - step] ?? 0]
    const guesses = [0, left, up, (left + up) >> 1, paeth(left, up, corner)]
    out[1 + at] = value - guesses[filter]!
  }
  return out
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [toLeft, toUp, toCorner] = [guess - left, guess - up, guess - corner].map(Math.abs)
  if (toLeft! <= toUp! && toLeft! <= toCorner!) return left
  return toUp! <= toCorner! ? up : corner
}

/** What it must decode to: RGBA of 8 bits, of 16 the upper ones, of fewer spread over 0 to 255. */
export function expectedRgba(content: PngContent): Buffer {
  const { width, height, depth, colourType, channels, hasTransparency } = content
  const out = Buffer.alloc(width * height * 4)
  const to8 = (value: number) => (depth === 16 ? value >> 8 : (value * 255) / (2 ** depth - 1))
  const samplesAt = (x: number, y: number) =>
    Array.from({ length: channels }, (_, channel) => content.sample(x, y, channel))
  const clear = samplesAt(0, 0).join()
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const samples = samplesAt(x, y)
      const isClear = hasTransparency && (colourType === 3 ? samples[0] === 0 : samples.join() === clear)
      const hasAlpha = colourType === 4 || colourType === 6
      const alpha = hasAlpha ? to8(samples.at(-1)!) : isClear ? 0 : 255
      const colours =
        colourType === 3
          ? paletteColour(samples[0]!)
          : samples.slice(0, channels - (hasAlpha ? 1 : 0)).map(to8)
      const rgb = colours.length === 1 ? [colours[0]!, colours[0]!, colours[0]!] : colours
      out.set([...rgb, alpha], (y * width + x) * 4)
    }
  }
  return out
}
