import type { Picture } from './picture.js'
import { decodeRgb, encodeRgb, RGB_CHANNELS } from './rgb.js'

/** How many pixels have how much of each channel. */
export interface ColorHistogram {
  pictures: number
  pixels: number
  /** Pixels in each bin, from dark to bright; all bins hold as many of the 256 levels, give or take one. */
  red: number[]
  green: number[]
  blue: number[]
}

/** Before the bins of the three channels stand the pictures and the pixels. */
const COUNTS = 2
const LEVELS = 256

/**
 * A picture's histogram as numbers that can be summed: 1 for the picture, its pixels, then the bins of red,
 * of green and of blue.
 * @param bins a channel, 1 to 256
 * @throws PictureError when it can't be decoded, LimitError when it is over a limit.
 */
export async function histogramSummand(picture: Picture, bins: number): Promise<Float64Array> {
  const { width, height, data } = await decodeRgb(picture)
  const levels = new Uint32Array(RGB_CHANNELS * LEVELS)
  for (let at = 0; at < data.length; at += RGB_CHANNELS) {
    levels[data[at]!]!++
    levels[LEVELS + data[at + 1]!]!++
    levels[2 * LEVELS + data[at + 2]!]!++
  }
  const sums = new Float64Array(COUNTS + RGB_CHANNELS * bins)
  sums[0] = 1
  sums[1] = width * height
  for (let channel = 0; channel < RGB_CHANNELS; channel++) {
    for (let level = 0; level < LEVELS; level++) {
      const bin = Math.floor((level * bins) / LEVELS)
      sums[COUNTS + channel * bins + bin]! += levels[channel * LEVELS + level]!
    }
  }
  return sums
}

/** The histogram that summed {@link histogramSummand}s make. */
export function colorHistogram(sums: Float64Array): ColorHistogram {
  const bins = (sums.length - COUNTS) / RGB_CHANNELS
  const channel = (number: number) => [...sums.subarray(COUNTS + number * bins, COUNTS + (number + 1) * bins)]
  return { pictures: sums[0]!, pixels: sums[1]!, red: channel(0), green: channel(1), blue: channel(2) }
}

const PLOT_WIDTH = 512
const BAND_HEIGHT = 96

/**
 * Draws a histogram: a band of bars for each channel, all of one scale.
 * @returns a PNG of 512 x 288 pixels.
 */
export function plotHistogram({ red, green, blue }: ColorHistogram): Promise<Uint8Array> {
  const channels = [red, green, blue]
  const height = channels.length * BAND_HEIGHT
  const data = new Uint8Array(PLOT_WIDTH * height * RGB_CHANNELS).fill(0xff)
  const highest = Math.max(1, ...channels.flat())
  for (const [channel, bins] of channels.entries()) {
    const bottom = (channel + 1) * BAND_HEIGHT
    for (let column = 0; column < PLOT_WIDTH; column++) {
      const count = bins[Math.floor((column * bins.length) / PLOT_WIDTH)]!
      const bar = Math.round((count / highest) * (BAND_HEIGHT - 1))
      for (let row = bottom - bar; row < bottom; row++) {
        const at = (row * PLOT_WIDTH + column) * RGB_CHANNELS
        data.fill(0, at, at + RGB_CHANNELS)
        data[at + channel] = 0xc0
      }
    }
  }
  return encodeRgb({ width: PLOT_WIDTH, height, data }, 'png')
}
