import { kernelMemory, kernels } from '../simd/kernels.js'
import { newLayout } from '../simd/layout.js'
import { LOWER_BITS, SAMPLES_A_STEP } from '../simd/resample-kernels.js'
import type { AxisWeights } from './axis-weights.js'

/** Sums of weighted samples, a row at a time, in the kernels' memory: to be used without an await between. */
export interface RowSums {
  /** Where a row is put, a 16-bit number a sample; and where that lies in the memory. */
  readonly samples: Int16Array
  readonly samplesAt: number
  /** Memory of the caller's own, and where it lies. */
  readonly scratch: Uint8Array
  readonly scratchAt: number
  /** Sums up the row that stands in `samples`. The result is valid until the next call. */
  sumUp(): Int32Array
}

const STEP_BYTES = SAMPLES_A_STEP * 2
/** A step has the lower and the upper halves of its weights. */
const WEIGHTS_A_STEP = SAMPLES_A_STEP * 2
const OUTPUT_BYTES = 8
const HALF_RANGE = 1 << (LOWER_BITS - 1)

/** @param scratchBytes of the caller's own memory */
export function openRowSums(axis: AxisWeights, scratchBytes = 0): RowSums {
  const { inputLength, starts, counts } = axis
  const outputs = starts.length
  const steps = counts.reduce((sum, count) => sum + Math.ceil(count / SAMPLES_A_STEP), 0)

  const layout = newLayout()
  const outputsAt = layout.place(outputs * OUTPUT_BYTES)
  const weightsAt = layout.place(steps * WEIGHTS_A_STEP * 2)
  const sumsAt = layout.place(outputs * 4)
  // The last step may reach behind the row; the weights there are 0.
  const samplesAt = layout.place((inputLength + SAMPLES_A_STEP) * 2)
  const scratchAt = layout.place(scratchBytes)
  const memory = kernelMemory(layout.length)

  const table = new Int32Array(memory, outputsAt, outputs * 2)
  for (let output = 0; output < outputs; output++) {
    table[output * 2] = starts[output]! * 2
    table[output * 2 + 1] = Math.ceil(counts[output]! / SAMPLES_A_STEP) * STEP_BYTES
  }
  writeHalves(axis, new Int16Array(memory, weightsAt, steps * WEIGHTS_A_STEP))

  const { weightedSums } = kernels()
  const sums = new Int32Array(memory, sumsAt, outputs)
  return {
    samples: new Int16Array(memory, samplesAt, inputLength),
    samplesAt,
    scratch: new Uint8Array(memory, scratchAt, scratchBytes),
    scratchAt,
    sumUp() {
      weightedSums(samplesAt, outputsAt, weightsAt, sumsAt, sumsAt + outputs * 4)
      return sums
    },
  }
}

/** A weight is `upper * 2 ** LOWER_BITS + lower`, both with a sign. */
function writeHalves({ starts, counts, taps, weights }: AxisWeights, to: Int16Array): void {
  to.fill(0)
  let step = 0
  for (let output = 0; output < starts.length; output++) {
    for (let tap = 0; tap < counts[output]!; tap++) {
      const weight = weights[output * taps + tap]!
      const lower = ((weight + HALF_RANGE) & (2 * HALF_RANGE - 1)) - HALF_RANGE
      const at = (step + Math.floor(tap / SAMPLES_A_STEP)) * WEIGHTS_A_STEP + (tap % SAMPLES_A_STEP)
      to[at] = lower
      to[at + SAMPLES_A_STEP] = (weight - lower) >> LOWER_BITS
    }
    step += Math.ceil(counts[output]! / SAMPLES_A_STEP)
  }
}
