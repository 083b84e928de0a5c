import { RGB_CHANNELS, type RgbPixels } from '../rgb.js'

/** Of samples from 0 to 255, over all pixels. */
export interface ChannelStats {
  red: number
  green: number
  blue: number
  /** 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded to 8 bits. */
  luminance: number
}

export interface PixelStats {
  mean: ChannelStats
  /** The standard deviation, of the population. */
  deviation: ChannelStats
  exposure: Exposure
  /**
   * Hasler and Suesstrunk, Measuring colourfulness in natural images, 2003: with rg = R - G and
   * yb = (R + G) / 2 - B, the root of var(rg) + var(yb), plus 0.3 times the root of mean(rg)^2 + mean(yb)^2. 0 is
   * grey, 15 slightly colourful, 59 quite, 109 extremely.
   */
  colourfulness: number
}

export interface Exposure {
  /** Share of the pixels whose luminance is below 5 of 255: black, give or take what JPEG adds. */
  shadows: number
  /** Share of the pixels whose luminance is above 250. */
  highlights: number
  /** Of the histogram of luminance, in bits, 0 to 8 (Shannon, 1948): the sum of -p log2 p. */
  entropy: number
  /** The standard deviation of luminance from 0 to 1 (Peli, Contrast in complex images, 1990: RMS contrast). */
  contrast: number
}

const LEVELS = 256
const BRIGHTEST = LEVELS - 1
/** Levels at either end that count as clipped. */
const CLIPPED_LEVELS = 5
/** R - G lies between -255 and 255, R + G - 2 B between -510 and 510. */
const RED_GREEN_ZERO = BRIGHTEST
const YELLOW_BLUE_ZERO = 2 * BRIGHTEST

/**
 * Counts pixels, and works all numbers out of the counts: they are exact however many pixels there are.
 * @param grey luminance of the same pixels
 */
export function pixelStats({ data }: RgbPixels, grey: Uint8Array): PixelStats {
  const red = new Uint32Array(LEVELS)
  const green = new Uint32Array(LEVELS)
  const blue = new Uint32Array(LEVELS)
  const luminance = new Uint32Array(LEVELS)
  const redGreen = new Uint32Array(2 * RED_GREEN_ZERO + 1)
  const yellowBlue = new Uint32Array(2 * YELLOW_BLUE_ZERO + 1)
  for (let pixel = 0, at = 0; pixel < grey.length; pixel++, at += RGB_CHANNELS) {
    const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!]
    red[r]!++
    green[g]!++
    blue[b]!++
    luminance[grey[pixel]!]!++
    redGreen[r - g + RED_GREEN_ZERO]!++
    yellowBlue[r + g - 2 * b + YELLOW_BLUE_ZERO]!++
  }
  const [ofRed, ofGreen, ofBlue] = [moments(red), moments(green), moments(blue)]
  const ofLuminance = moments(luminance)
  const rg = moments(redGreen, RED_GREEN_ZERO)
  // Counted at twice its value, so that it is whole.
  const yb = moments(yellowBlue, YELLOW_BLUE_ZERO)
  const spread = Math.sqrt(rg.variance + yb.variance / 4)
  const centre = Math.sqrt(rg.mean ** 2 + (yb.mean / 2) ** 2)
  return {
    mean: { red: ofRed.mean, green: ofGreen.mean, blue: ofBlue.mean, luminance: ofLuminance.mean },
    deviation: {
      red: Math.sqrt(ofRed.variance),
      green: Math.sqrt(ofGreen.variance),
      blue: Math.sqrt(ofBlue.variance),
      luminance: Math.sqrt(ofLuminance.variance),
    },
    exposure: {
      shadows: sum(luminance.subarray(0, CLIPPED_LEVELS)) / grey.length,
      highlights: sum(luminance.subarray(LEVELS - CLIPPED_LEVELS)) / grey.length,
      entropy: entropy(luminance, grey.length),
      contrast: Math.sqrt(ofLuminance.variance) / BRIGHTEST,
    },
    colourfulness: spread + 0.3 * centre,
  }
}

/** @param zero the index that stands for the value 0 */
function moments(counts: Uint32Array, zero = 0): { mean: number; variance: number } {
  const total = sum(counts)
  const mean = counts.reduce((weighted, count, at) => weighted + count * (at - zero), 0) / total
  const squares = counts.reduce((weighted, count, at) => weighted + count * (at - zero - mean) ** 2, 0)
  return { mean, variance: squares / total }
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0)
}

function entropy(counts: Uint32Array, total: number): number {
  let bits = 0
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total)
  return bits
}
