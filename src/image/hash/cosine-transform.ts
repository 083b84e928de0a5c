import { unitCircle } from './unit-circle.js'

/** Transforms `samples` in place. */
export type CosineTransform = (samples: Float64Array) => void

/**
 * The discrete cosine transform of type 2, not normalized: y[k] = 2 sum x[n] cos(pi k (2 n + 1) / (2 length)).
 *
 * For a power of two it is SciPy's to the last bit. That matters where a coefficient is 0 but for rounding, as half
 * of them are in a picture that is its own mirror image: a hash then tells on which side of 0 rounding has left it.
 * So the steps are those of FFTPACK, in its order: P. Swarztrauber, Vectorizing the FFTs, in Parallel Computations
 * (1982), where the transform is called the quarter-wave cosine synthesis. Other lengths are summed up as above.
 *
 * @param length of `samples`, at least 2
 */
export function cosineTransform(length: number): CosineTransform {
  return Number.isInteger(Math.log2(length)) ? fastTransform(length) : plainTransform(length)
}

/**
 * Sums up the even coefficients from the samples of each side together and the odd ones from what the sides differ in,
 * and those of an odd length without the first sample: so what is mirrored or flat is 0, not nearly so.
 */
function plainTransform(length: number): CosineTransform {
  const half = Math.floor(length / 2)
  const cosines = Float64Array.from({ length: 4 * length }, (_, at) =>
    Math.cos((Math.PI * at) / (2 * length)),
  )
  const cosine = (k: number, n: number) => cosines[(k * (2 * n + 1)) % (4 * length)]!
  const inner = length % 2 === 0 ? plainTransform(half) : undefined
  const together = new Float64Array(half)
  const apart = new Float64Array(half)
  return (samples) => {
    const middle = samples[half]!
    const base = inner ? 0 : middle
    let total = base
    for (let n = 0; n < half; n++) {
      const [left, right] = [samples[n]!, samples[length - 1 - n]!]
      total += left + right
      together[n] = left - base + (right - base)
      apart[n] = left - right
    }
    inner?.(together)
    for (let k = 0; k < length; k++) {
      const isEven = k % 2 === 0
      if (isEven && inner) {
        samples[k] = together[k / 2]!
        continue
      }
      let sum = 0
      for (let n = 0; n < half; n++) sum += (isEven ? together : apart)[n]! * cosine(k, n)
      samples[k] = 2 * (k === 0 ? total : sum)
    }
  }
}

function fastTransform(length: number): CosineTransform {
  const synthesis = realSynthesis(length)
  const quarterWave = unitCircle(4 * length)
  const cosines = Float64Array.from({ length }, (_, at) => quarterWave(at + 1)[0])
  const half = length / 2
  return (samples) => {
    samples[0]! *= 2
    samples[length - 1]! *= 2
    for (let at = 1; at < length - 1; at += 2) {
      const [odd, even] = [samples[at]!, samples[at + 1]!]
      samples[at] = odd + even
      samples[at + 1] = even - odd
    }
    synthesis(samples)
    for (let at = 1; at < half; at++) {
      const opposite = length - at
      const sum = cosines[at - 1]! * samples[opposite]! + cosines[opposite - 1]! * samples[at]!
      const difference = cosines[at - 1]! * samples[at]! - cosines[opposite - 1]! * samples[opposite]!
      samples[at] = 0.5 * (sum + difference)
      samples[opposite] = 0.5 * (sum - difference)
    }
    samples[half]! *= cosines[half - 1]!
  }
}

/** One pass of the synthesis: all butterflies of a factor. */
interface Pass {
  readonly factor: 2 | 4
  /** Transforms that the passes before have made one of. */
  readonly done: number
  /** Samples that those yet to come make one of. */
  readonly left: number
  /** For each input of a butterfly but the first: cosines and sines in turn. */
  readonly turns: readonly Float64Array[]
}

/** The real backward Fourier transform of half-complex samples, not normalized (FFTPACK's RFFTB). */
function realSynthesis(length: number): CosineTransform {
  const passes = passesOf(length)
  const spare = new Float64Array(length)
  return (samples) => {
    let [from, to]: [Float64Array, Float64Array] = [samples, spare]
    for (const pass of passes) {
      if (pass.factor === 4) quadruple(pass, from, to)
      else double(pass, from, to)
      ;[from, to] = [to, from]
    }
    if (from !== samples) samples.set(from)
  }
}

function passesOf(length: number): Pass[] {
  const fours = Math.floor(Math.log2(length) / 2)
  const factors = new Array<2 | 4>(fours).fill(4)
  if (4 ** fours !== length) factors.unshift(2)
  const circle = unitCircle(length)
  let done = 1
  return factors.map((factor) => {
    const left = length / (done * factor)
    const turns = Array.from({ length: factor - 1 }, (_, input) =>
      Float64Array.from({ length: Math.max(0, left - 1) }, (_, at) => {
        const [cosine, sine] = circle((input + 1) * done * (Math.floor(at / 2) + 1))
        return at % 2 === 0 ? cosine : sine
      }),
    )
    const pass = { factor, done, left, turns }
    done *= factor
    return pass
  })
}

/** Inputs of butterfly k lie at (input + factor k) left, its outputs at (k + output done) left. */
function double({ done, left, turns }: Pass, from: Float64Array, to: Float64Array): void {
  const [turn] = turns as [Float64Array]
  for (let k = 0; k < done; k++) {
    const in0 = 2 * k * left
    const in1 = in0 + left
    const out0 = k * left
    const out1 = out0 + done * left
    const last = left - 1
    to[out0] = from[in0]! + from[in1 + last]!
    to[out1] = from[in0]! - from[in1 + last]!
    if (left % 2 === 0) {
      to[out0 + last] = 2 * from[in0 + last]!
      to[out1 + last] = -2 * from[in1]!
    }
    for (let i = 2; i < left; i += 2) {
      const real = i - 1
      const mirror = left - i
      to[out0 + real] = from[in0 + real]! + from[in1 + mirror - 1]!
      to[out0 + i] = from[in0 + i]! - from[in1 + mirror]!
      const re = from[in0 + real]! - from[in1 + mirror - 1]!
      const im = from[in0 + i]! + from[in1 + mirror]!
      to[out1 + i] = turn[i - 2]! * im + turn[i - 1]! * re
      to[out1 + real] = turn[i - 2]! * re - turn[i - 1]! * im
    }
  }
}

function quadruple({ done, left, turns }: Pass, from: Float64Array, to: Float64Array): void {
  const [turn1, turn2, turn3] = turns as [Float64Array, Float64Array, Float64Array]
  const last = left - 1
  for (let k = 0; k < done; k++) {
    const in0 = 4 * k * left
    const [in1, in2, in3] = [in0 + left, in0 + 2 * left, in0 + 3 * left]
    const out0 = k * left
    const [out1, out2, out3] = [out0 + done * left, out0 + 2 * done * left, out0 + 3 * done * left]

    const sum = from[in0]! + from[in3 + last]!
    const difference = from[in0]! - from[in3 + last]!
    const middle = 2 * from[in1 + last]!
    const cross = 2 * from[in2]!
    to[out0] = sum + middle
    to[out2] = sum - middle
    to[out3] = difference + cross
    to[out1] = difference - cross

    if (left % 2 === 0) {
      const imSum = from[in3]! + from[in1]!
      const imDifference = from[in3]! - from[in1]!
      const reSum = from[in0 + last]! + from[in2 + last]!
      const reDifference = from[in0 + last]! - from[in2 + last]!
      to[out0 + last] = reSum + reSum
      to[out1 + last] = Math.SQRT2 * (reDifference - imSum)
      to[out2 + last] = imDifference + imDifference
      to[out3 + last] = -Math.SQRT2 * (reDifference + imSum)
    }

    for (let i = 2; i < left; i += 2) {
      const real = i - 1
      const mirror = left - i
      const re0 = from[in0 + real]! + from[in3 + mirror - 1]!
      const re1 = from[in0 + real]! - from[in3 + mirror - 1]!
      const im1 = from[in0 + i]! + from[in3 + mirror]!
      const im0 = from[in0 + i]! - from[in3 + mirror]!
      const re3 = from[in2 + i]! + from[in1 + mirror]!
      const im2 = from[in2 + i]! - from[in1 + mirror]!
      const re2 = from[in2 + real]! + from[in1 + mirror - 1]!
      const im3 = from[in2 + real]! - from[in1 + mirror - 1]!
      to[out0 + real] = re0 + re2
      to[out0 + i] = im0 + im2
      turned(to, out1 + i, turn1, i, re1 - re3, im1 + im3)
      turned(to, out2 + i, turn2, i, re0 - re2, im0 - im2)
      turned(to, out3 + i, turn3, i, re1 + re3, im1 - im3)
    }
  }
}

/** Writes a complex number that is turned by an angle: its imaginary part at `at`, the real one before. */
function turned(to: Float64Array, at: number, turn: Float64Array, i: number, re: number, im: number): void {
  to[at] = turn[i - 2]! * im + turn[i - 1]! * re
  to[at - 1] = turn[i - 2]! * re - turn[i - 1]! * im
}
