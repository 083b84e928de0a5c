import type { Sharp } from 'sharp'

/** Bounds how many pictures are decoded at once. */
export interface DecodeGate {
  /** Runs the work when it is its turn. */
  run<T>(work: () => Promise<T>): Promise<T>
}

let gate: DecodeGate | undefined

/** Sets what this thread's decodes pass through, however many records are in flight. @default no bound */
export function setDecodeGate(given: DecodeGate): void {
  gate = given
}

/** Makes a pipeline wait for its turn before libvips runs it; calls that take a callback don't wait. */
export function gated(pipeline: Sharp): Sharp {
  if (!gate) return pipeline
  const { toBuffer, toFile, clone } = pipeline
  const gating = (output: (...args: never[]) => unknown) => {
    return (...args: unknown[]): unknown => {
      const start = () => Reflect.apply(output, pipeline, args) as Promise<unknown>
      return gate && typeof args.at(-1) !== 'function' ? gate.run(start) : start()
    }
  }
  pipeline.toBuffer = gating(toBuffer) as Sharp['toBuffer']
  pipeline.toFile = gating(toFile) as Sharp['toFile']
  pipeline.clone = () => gated(Reflect.apply(clone, pipeline, []))
  return pipeline
}
