import { encodeModule } from './assembler.js'
import { anyNear } from './hash-kernels.js'
import { countPairs, foldPairs } from './histogram-kernels.js'
import { additiveRow, largestVariance, proportionalRow } from './local-threshold-kernels.js'
import { resampleColumnStep, resampleRgbRow } from './resample-band-kernels.js'
import { rgbToLuma, weightedSums } from './resample-kernels.js'
import { rgbToGrey } from './rgb-to-grey-kernel.js'
import { moveColumns } from './sliding-window-kernels.js'
import { packBits, subtractBytes, threshold } from './threshold-kernels.js'

const KERNELS = {
  rgbToGrey,
  anyNear,
  rgbToLuma,
  weightedSums,
  resampleRgbRow,
  resampleColumnStep,
  countPairs,
  foldPairs,
  threshold,
  packBits,
  subtractBytes,
  moveColumns,
  proportionalRow,
  additiveRow,
  largestVariance,
}

/** Takes addresses in the kernels' memory and counts, as told where it is defined. */
type Kernel = (...parameters: number[]) => void

export type Kernels = Readonly<Record<keyof typeof KERNELS, Kernel>>

declare global {
  /** What of it is used here; otherwise only the types of browsers declare it. */
  namespace WebAssembly {
    class Memory {
      constructor(limits: { initial: number })
      readonly buffer: ArrayBuffer
      grow(pages: number): number
    }
    class Module {
      constructor(bytes: Uint8Array)
    }
    class Instance {
      constructor(module: Module, imports: { env: { memory: Memory } })
      readonly exports: Readonly<Record<string, unknown>>
    }
  }
}

let loaded: { kernels: Kernels; memory: WebAssembly.Memory } | undefined

/** The loops over pixels that are worth 128-bit vectors, compiled at the first call in this thread. */
export function kernels(): Kernels {
  return load().kernels
}

/**
 * The memory that the kernels work on, of at least so many bytes. It is the caller's until it returns or awaits, and
 * holds what the one before has left there. The next call ends it: the memory may move.
 */
export function kernelMemory(bytes: number): ArrayBuffer {
  const { memory } = load()
  const missing = bytes - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
  return memory.buffer
}

/** How far past the end of what they are told kernels may read and write: they take whole vectors. */
export const SLACK_BYTES = 16

/** Pixels that are worked on at once, where they needn't be more: with what is made of them they stay in the cache. */
export const CHUNK_PIXELS = 2 ** 15

const PAGE_BYTES = 65_536

function load() {
  if (loaded) return loaded
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encodeModule(KERNELS)), {
    env: { memory },
  })
  loaded = { kernels: exports as Kernels, memory }
  return loaded
}
