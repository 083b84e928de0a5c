import { readFileSync } from 'node:fs'
import sharp, { type Create, type Sharp } from 'sharp'
import { encodeChunks, pngHeader } from './png-chunks.js'

/** A photograph of examples/images. */
export function photograph(name: string): Buffer {
  return readFileSync(new URL(`../../examples/images/${name}`, import.meta.url))
}

export const PHOTOGRAPHS = [
  'astronaut.jpg',
  'camera.png',
  'chelsea.jpg',
  'coffee.jpg',
  'coins.png',
  'hubble_deep_field.jpg',
  'moon.png',
  'page.png',
  'retina.jpg',
  'rocket.jpg',
  'text.png',
]

/** Width and height of what {@link quadrants} draws. */
export const QUADRANTS = { width: 48, height: 32 }

/** Red, green over blue, white: each turning and mirroring of it is another picture. */
export function quadrants(): Sharp {
  const { width, height } = QUADRANTS
  const pixels = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [left, top] = [x < width / 2, y < height / 2]
      const colour = top ? (left ? [255, 0, 0] : [0, 255, 0]) : left ? [0, 0, 255] : [255, 255, 255]
      pixels.set(colour, (y * width + x) * 3)
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
}

/** One colour all over. */
export function solid(background: Create['background'], channels: 3 | 4 = 3, size = 32): Sharp {
  return sharp({ create: { width: size, height: size, channels, background } })
}

/** Decoded RGB, with a look at single pixels. */
export async function pixelsOf(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ]
  return { width: info.width, height: info.height, data, at }
}

/** The largest difference of any channel between two colours. */
export function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, channel) => Math.abs(value - b[channel]!)))
}

/** An animation of three frames: red, green, blue. */
export async function animation(format: 'gif' | 'webp'): Promise<Buffer> {
  const frames = await Promise.all(['red', 'lime', 'blue'].map((colour) => solid(colour).png().toBuffer()))
  const joined = sharp(frames, { join: { animated: true } })
  return format === 'gif' ? joined.gif().toBuffer() : joined.webp({ lossless: true }).toBuffer()
}

/** A valid PNG header that claims a huge picture, and next to no data. */
export function bombPng(width = 50_000, height = 50_000): Buffer {
  return encodeChunks([
    ['IHDR', pngHeader(width, height)],
    ['IDAT', Buffer.from('789c6360000000020001', 'hex')],
    ['IEND', Buffer.alloc(0)],
  ])
}
