import { type Ink, inkOf } from '../binarize/ink.js'
import { thresholdLocally } from '../binarize/local-threshold.js'
import { windowOf } from '../binarize/methods.js'
import { otsuThreshold } from '../binarize/otsu.js'
import { wolfThreshold } from '../binarize/wolf.js'
import { BINARIZE_FORMATS, type BinarizeOptions } from '../binarize.js'
import { optionChecks } from '../option-checks.js'
import type { JoinedPicture } from './band-rows.js'
import { type BandGreys, type BandThresholdOptions, isLocal, requireMethod } from './binarize-band.js'
import { encodeFaxRows } from './encode-rows.js'
import { packRows } from './pack-rows.js'
import { encodePng1BitRows } from './png-1bit-rows.js'
import { withNeighbours } from './with-neighbours.js'

export type BandBinarizeOptions = BandThresholdOptions & Pick<BinarizeOptions, 'format'>

/**
 * The black and white picture of bands that `binarizeBand` made, with the same options: what {@link binarize} makes of
 * the picture in one piece. A few rows are in memory at a time.
 * @returns a PNG or TIFF of one bit a pixel.
 * @throws UsageError when an option is out of its range.
 */
export async function encodeBinarized(
  picture: JoinedPicture,
  options: BandBinarizeOptions = {},
): Promise<Uint8Array> {
  const { format = 'png', ...thresholdOptions } = options
  optionChecks('binarize pictures').oneOf('format', format, BINARIZE_FORMATS)
  requireMethod(thresholdOptions)
  const [first] = picture.ahead.map(greysOf)
  const width = first?.width ?? picture.width
  const rows = rowsOfBits(picture, width, thresholdOptions)
  const { height } = picture
  return format === 'png'
    ? encodePng1BitRows(width, height, rows)
    : encodeFaxRows({ ...picture, width, bits: 1, rows })
}

function greysOf(ahead: Uint8Array): BandGreys {
  return JSON.parse(Buffer.from(ahead).toString('utf8')) as BandGreys
}

async function* rowsOfBits(
  { ahead, rows, height }: JoinedPicture,
  width: number,
  options: BandThresholdOptions,
): AsyncGenerator<Uint8Array> {
  if (ahead.length === 0) {
    yield* rows
    return
  }
  const bands = ahead.map(greysOf)
  const greys = Array.from({ length: 256 }, (_, grey) =>
    bands.reduce((sum, band) => sum + band.greys[grey]!, 0),
  )
  const ink = options.ink === 'auto' ? inkOf(greys) : (options.ink ?? 'dark')
  if (isLocal(options)) {
    yield* everyOther(rows, Math.ceil(width / 8), ink)
    return
  }
  const isLight = ink === 'light'
  const histogram = isLight ? greys.toReversed() : greys
  const darkInk = isLight ? inverted(rows) : rows
  if (options.method !== 'wolf') {
    const threshold = otsuThreshold(histogram)
    for await (const some of darkInk) yield packRows(some, width, threshold)
    return
  }
  const { window, k } = windowOf(options)
  const range = bands.reduce((most, { deviation }) => Math.max(most, deviation), 0)
  const darkest = histogram.findIndex((count) => count > 0)
  const threshold = wolfThreshold(k, range, darkest)
  for await (const { data, start, end } of withNeighbours(darkInk, { width, height }, window >> 1)) {
    const grey = { width, height: data.length / width, data }
    yield packRows(thresholdLocally(grey, window, threshold).subarray(start * width, end * width), width)
  }
}

/** Of rows that are bits twice, those of one ink. */
async function* everyOther(
  rows: AsyncIterable<Uint8Array>,
  rowBytes: number,
  ink: Ink,
): AsyncGenerator<Uint8Array> {
  for await (const some of rows) {
    const chosen = new Uint8Array(some.length / 2)
    const first = ink === 'dark' ? 0 : rowBytes
    for (let to = 0; to < chosen.length; to += rowBytes) {
      chosen.set(some.subarray(2 * to + first, 2 * to + first + rowBytes), to)
    }
    yield chosen
  }
}

async function* inverted(rows: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const some of rows) yield some.map((grey) => 255 - grey)
}
