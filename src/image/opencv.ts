import { createRequire } from 'node:module'

/** The part of OpenCV that is used here; the package's own types are all `any`. */
export interface OpenCv {
  Mat: new (rows?: number, columns?: number, type?: number) => Mat
  cvtColor(source: Mat, target: Mat, code: number): void
  threshold(source: Mat, target: Mat, threshold: number, maxValue: number, type: number): number
  adaptiveThreshold(
    source: Mat,
    target: Mat,
    maxValue: number,
    method: number,
    type: number,
    window: number,
    c: number,
  ): void
  exceptionFromPtr(pointer: number): { msg: string }
  readonly HEAP8: Int8Array
  readonly CV_8UC1: number
  readonly CV_8UC3: number
  readonly COLOR_RGB2GRAY: number
  readonly THRESH_BINARY: number
  readonly THRESH_OTSU: number
  readonly ADAPTIVE_THRESH_MEAN_C: number
  readonly ADAPTIVE_THRESH_GAUSSIAN_C: number
}

/** A matrix in OpenCV's own heap, which no garbage collector sees: see {@link withMats}. */
export interface Mat {
  readonly rows: number
  readonly cols: number
  /** The elements themselves, not a copy. Valid until the next Mat is made: the heap may move. */
  readonly data: Uint8Array
  /** Rows `start` to `end`, sharing the elements; a Mat of its own, to be freed as well. */
  rowRange(start: number, end: number): Mat
  delete(): void
}

let loading: Promise<OpenCv> | undefined

/** OpenCV, compiled at the first call in this thread (some 200 ms, 128 MiB of address space). */
export function loadOpenCv(): Promise<OpenCv> {
  loading ??= new Promise((resolve) => {
    const undo = watchProcessListeners()
    const { cv } = createRequire(import.meta.url)('opencv-wasm') as { cv: Thenable }
    undo()
    cv.then((ready) => {
      // The module is its own thenable and resolves to itself: awaited as it is, it would never settle.
      delete (ready as unknown as Partial<Thenable>).then
      resolve(ready)
    })
  })
  return loading
}

interface Thenable {
  then(resolve: (cv: OpenCv) => void): unknown
}

/** Emscripten hooks the whole process: any unhandled rejection, of whomever, would abort OpenCV. Take that back. */
function watchProcessListeners(): () => void {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'exit')))
  return () => {
    for (const [index, event] of events.entries()) {
      for (const listener of process.listeners(event as 'exit')) {
        if (!before[index]!.has(listener)) process.off(event, listener)
      }
    }
  }
}

/**
 * Runs `work` and frees every Mat it kept, however it ends: `const grey = keep(new cv.Mat())`.
 * @throws Error with OpenCV's message where OpenCV threw, which it does as a bare pointer.
 */
export function withMats<T>(cv: OpenCv, work: (keep: (mat: Mat) => Mat) => T): T {
  const kept: Mat[] = []
  try {
    return work((mat) => {
      kept.push(mat)
      return mat
    })
  } catch (error) {
    if (typeof error === 'number') throw new Error(`OpenCV: ${reasonIn(cv.exceptionFromPtr(error).msg)}`)
    throw error
  } finally {
    for (const mat of kept) mat.delete()
  }
}

/** OpenCV's messages name source files and template arguments; what is wrong stands behind '> ' or after the code. */
function reasonIn(message: string): string {
  const [, reason] =
    /^> (.+)$/m.exec(message) ?? /error: \(.*?\) (.+?)(?: in function|$)/s.exec(message) ?? []
  return (reason ?? message).trim().replace(/:$/, '')
}
