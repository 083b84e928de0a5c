import type { Samples } from '../resample.js'

/** Bits of each side of the hash's square. */
const HASH_SIZE = 16
/** Side of the square that a picture is blurred and thinned out to, in pixels. */
const SQUARE = 64
/** What is larger on either side is first thinned out to a square of this side. */
const LARGEST = 512
/** What is smaller on either side has no hash. */
const SMALLEST = 5
/** Passes of the box filter along both axes: two make a tent. */
const PASSES = 2

export interface PdqHash {
  /** 256, the first the highest. */
  bits: boolean[]
  /** How much there is to see in the picture, 0 to 100; hashes of less than 50 are better not compared. */
  quality: number
}

/**
 * Meta's PDQ, in the 32-bit floats of its C++ program, so that a picture decoded alike has the same hash.
 *
 * J. Dalins, C. Wilson, D. Boudry, PDQ & TMK + PDQF: A Test Drive of Facebook's Perceptual Hashing Algorithms (2019);
 * Facebook, The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm (2019), part 2.
 * @param samples grey, or RGB first; what follows is not looked at
 */
export function pdqHash(samples: Samples): PdqHash {
  const { width, height } = samples
  if (width < SMALLEST || height < SMALLEST) {
    return { bits: new Array(HASH_SIZE * HASH_SIZE).fill(false), quality: 0 }
  }
  const isLarge = width > LARGEST || height > LARGEST
  const plane = isLarge ? floatLuma(samples, LARGEST, LARGEST) : floatLuma(samples, width, height)
  const square = plane.width === SQUARE && plane.height === SQUARE ? plane.luma : thinned(blurred(plane))
  const frequencies = cosineSquare(square)
  const middle = frequencies.slice().sort()[frequencies.length / 2 - 1]!
  return { bits: Array.from(frequencies, (value) => value > middle).reverse(), quality: qualityOf(square) }
}

interface Plane {
  width: number
  height: number
  luma: Float32Array
}

const { fround } = Math
const RED = fround(0.299)
const GREEN = fround(0.587)
const BLUE = fround(0.114)

/** 0.299 R + 0.587 G + 0.114 B of one pixel for each of the result, without any blur. */
function floatLuma({ width, height, channels, data }: Samples, columns: number, rows: number): Plane {
  const luma = new Float32Array(columns * rows)
  for (let row = 0, to = 0; row < rows; row++) {
    const start = Math.floor((row * height) / rows) * width
    for (let column = 0; column < columns; column++, to++) {
      const at = (start + Math.floor((column * width) / columns)) * channels
      luma[to] =
        channels < 3
          ? data[at]!
          : fround(fround(RED * data[at]!) + fround(GREEN * data[at + 1]!)) + fround(BLUE * data[at + 2]!)
    }
  }
  return { width: columns, height: rows, luma }
}

/** W. Jarosz, Fast Image Convolutions (2001): box filters, one after the other. */
function blurred({ width, height, luma }: Plane): Plane {
  const spare = new Float32Array(luma.length)
  for (let pass = 0; pass < PASSES; pass++) {
    for (let row = 0; row < height; row++) {
      boxFilter(luma, spare, { start: row * width, step: 1, length: width })
    }
    for (let column = 0; column < width; column++) {
      boxFilter(spare, luma, { start: column, step: width, length: height })
    }
  }
  return { width, height, luma }
}

/** The mean of a window around each sample; at the ends of what is there of the window. */
function boxFilter(
  from: Float32Array,
  to: Float32Array,
  { start, step, length }: { start: number; step: number; length: number },
): void {
  const window = Math.floor((length + 2 * SQUARE - 1) / (2 * SQUARE))
  const ahead = Math.floor(window / 2)
  const behind = window - ahead
  let sum = 0
  for (let index = 0; index < ahead; index++) sum = fround(sum + from[start + index * step]!)
  for (let index = 0, at = start; index < length; index++, at += step) {
    if (index + ahead < length) sum = fround(sum + from[at + ahead * step]!)
    if (index >= behind) sum = fround(sum - from[at - behind * step]!)
    to[at] = sum / (Math.min(length - 1, index + ahead) - Math.max(-1, index - behind))
  }
}

/** The pixels in the middle of each cell of a grid. */
function thinned({ width, height, luma }: Plane): Float32Array {
  const square = new Float32Array(SQUARE * SQUARE)
  for (let row = 0; row < SQUARE; row++) {
    const start = Math.floor(((row + 0.5) * height) / SQUARE) * width
    for (let column = 0; column < SQUARE; column++) {
      square[row * SQUARE + column] = luma[start + Math.floor(((column + 0.5) * width) / SQUARE)]!
    }
  }
  return square
}

/** The cosine transform of the lowest frequencies of both axes, without the constant ones: D A D'. */
function cosineSquare(square: Float32Array): Float32Array {
  const half = new Float32Array(HASH_SIZE * SQUARE)
  for (let row = 0; row < HASH_SIZE; row++) {
    for (let column = 0; column < SQUARE; column++) {
      half[row * SQUARE + column] = product(COSINES, row * SQUARE, square, column, SQUARE)
    }
  }
  const result = new Float32Array(HASH_SIZE * HASH_SIZE)
  for (let row = 0; row < HASH_SIZE; row++) {
    for (let column = 0; column < HASH_SIZE; column++) {
      result[row * HASH_SIZE + column] = product(COSINES, column * SQUARE, half, row * SQUARE, 1)
    }
  }
  return result
}

/** D: of frequency f = 1 to 16 at n, sqrt(2 / 64) cos(pi f (2 n + 1) / 128). */
const COSINES = Float32Array.from({ length: HASH_SIZE * SQUARE }, (_, at) => {
  const frequency = Math.floor(at / SQUARE) + 1
  const angle = (Math.PI / 2 / SQUARE) * frequency * (2 * (at % SQUARE) + 1)
  return fround(Math.sqrt(2 / SQUARE)) * Math.cos(angle)
})

function product(a: Float32Array, aStart: number, b: Float32Array, bStart: number, bStep: number): number {
  let sum = 0
  for (let n = 0; n < SQUARE; n++) sum = fround(sum + fround(a[aStart + n]! * b[bStart + n * bStep]!))
  return sum
}

/** What the differences of neighbours, as whole percents, are divided by, so that most photographs reach 100. */
const QUALITY_SCALE = 90

/** How much neighbours differ, in both directions. */
function qualityOf(square: Float32Array): number {
  let differences = 0
  const difference = (a: number, b: number) => Math.abs(Math.trunc(fround(fround(fround(a - b) * 100) / 255)))
  for (let row = 0; row < SQUARE; row++) {
    for (let column = 0; column < SQUARE; column++) {
      const at = row * SQUARE + column
      if (row + 1 < SQUARE) differences += difference(square[at]!, square[at + SQUARE]!)
      if (column + 1 < SQUARE) differences += difference(square[at]!, square[at + 1]!)
    }
  }
  return Math.min(100, Math.floor(differences / QUALITY_SCALE))
}
