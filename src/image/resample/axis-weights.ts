/** The filters that pictures are resampled with, named as in Pillow. */
export const RESAMPLE_FILTERS = ['lanczos', 'box'] as const
export type ResampleFilter = (typeof RESAMPLE_FILTERS)[number]

/** Which input samples make each output sample of a row, or of a column, and with what weights. */
export interface AxisWeights {
  /** Samples of the input. */
  readonly inputLength: number
  /** The first input sample of each output sample. */
  readonly starts: Int32Array
  /** How many input samples it has. */
  readonly counts: Int32Array
  /** Room of an output sample in `weights`: the largest of `counts`, or more. */
  readonly taps: number
  /** Those of output sample i begin at i * taps. They are whole numbers that add up to about 2 ** WEIGHT_BITS. */
  readonly weights: Int32Array
}

/** Of a 32-bit sum, 8 bits are the sample's and 2 are for what a filter's negative lobes make of it on the way. */
export const WEIGHT_BITS = 32 - 8 - 2

/** Half of what the last bit of a sample weighs: added to a sum, it rounds. */
export const HALF = 1 << (WEIGHT_BITS - 1)

/**
 * The weights that Pillow takes, to the last bit. An output sample is centred on the stretch of the input that it
 * stands for; where the input is larger, the filter is stretched by that ratio, so that every input sample counts.
 *
 * @param from where the stretch begins that is resampled, in input samples; may lie between two. @default 0
 * @param to where it ends. @default inputLength
 */
export function axisWeights(
  inputLength: number,
  outputLength: number,
  filter: ResampleFilter = 'lanczos',
  from = 0,
  to = inputLength,
): AxisWeights {
  const { radius, weigh } = FILTERS[filter]
  const scale = (to - from) / outputLength
  const stretch = Math.max(1, scale)
  const support = radius * stretch
  const taps = Math.ceil(support) * 2 + 1
  const starts = new Int32Array(outputLength)
  const counts = new Int32Array(outputLength)
  const weights = new Int32Array(outputLength * taps)
  const exact = new Float64Array(taps)
  for (let output = 0; output < outputLength; output++) {
    const center = from + (output + 0.5) * scale
    const start = Math.max(0, Math.trunc(center - support + 0.5))
    const count = Math.min(inputLength, Math.trunc(center + support + 0.5)) - start
    let sum = 0
    for (let tap = 0; tap < count; tap++) {
      // Multiplied by the inverse, as Pillow does, where a division would round otherwise.
      exact[tap] = weigh((tap + start - center + 0.5) * (1 / stretch))
      sum += exact[tap]!
    }
    for (let tap = 0; tap < count; tap++) {
      const weight = (sum === 0 ? exact[tap]! : exact[tap]! / sum) * 2 ** WEIGHT_BITS
      weights[output * taps + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5)
    }
    starts[output] = start
    counts[output] = count
  }
  return { inputLength, starts, counts, taps, weights }
}

/** How far a filter reaches to either side, in output samples, and its weight at a distance. */
const FILTERS: Record<ResampleFilter, { radius: number; weigh(distance: number): number }> = {
  // C. Duchon, Lanczos filtering in one and two dimensions, J. Applied Meteorology 18 (1979), with three lobes.
  lanczos: { radius: 3, weigh: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  box: { radius: 0.5, weigh: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI)
}
