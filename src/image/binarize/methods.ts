import type { GreyPixels } from '../grey.js'
import { optionChecks } from '../option-checks.js'
import { adaptive } from './adaptive.js'
import { greyHistogram } from './histogram.js'
import { type Ink, inkOf, invert } from './ink.js'
import { binarizeNiblack } from './niblack.js'
import { binarizeNick } from './nick.js'
import { otsuThreshold } from './otsu.js'
import { binarizeSauvola } from './sauvola.js'
import { binarizeSu } from './su.js'
import { applyThreshold } from './threshold.js'
import { binarizeWolf } from './wolf.js'

/** How grey pixels are made black and white. What has no meaning for the method is left aside. */
export interface ThresholdOptions {
  /** How the threshold is found: `otsu` and `fixed`, one for the whole picture, the others around each pixel. @default 'otsu' */
  method?: BinarizeMethod
  /** Side of the square around each pixel, in pixels, odd, 3 to 2047. @default the method's own */
  window?: number
  /** How much the deviation in the window counts. @default the method's own */
  k?: number
  /** Of `fixed`: the brightest grey that becomes black, 0 to 255. @default 127 */
  threshold?: number
  /** Of `sauvola`: the range R of the standard deviation, above 0. @default 128 */
  r?: number
  /** Of `adaptive-*`: by how much the threshold is darker than the mean. @default 10 */
  c?: number
  /** Of `su`: how many pixels of high contrast a window with ink has at least, from 1. @default the window's side */
  minN?: number
  /**
   * Whether what is written is dark or light; `auto` takes the rarer for it. It becomes black, what it is written on
   * white. @default 'dark'
   */
  ink?: Ink | 'auto'
}

export const INKS = ['dark', 'light', 'auto'] as const

interface Parameters {
  readonly window: number
  readonly k: number
  readonly threshold: number
  readonly r: number
  readonly c: number
  readonly minN: number
}

/** Pixels of which those above the threshold are to be white, the others black. */
export interface Separation {
  readonly pixels: Uint8Array
  readonly threshold: number
  /** Whether the pixels are 255 and 0 already. */
  readonly isDone: boolean
}

interface Method {
  /** How much of the picture it depends on what becomes of a pixel. */
  readonly sees: 'pixel' | 'window' | 'picture'
  readonly window?: number
  readonly k?: number
  separate(grey: GreyPixels, parameters: Parameters): Separation | Promise<Separation>
}

/** Of a method that makes pixels above their own thresholds 255 and the others 0. */
function local(
  binarize: (grey: GreyPixels, parameters: Parameters) => Uint8Array | Promise<Uint8Array>,
): Method['separate'] {
  return async (grey, parameters) => ({
    pixels: await binarize(grey, parameters),
    threshold: 127,
    isDone: true,
  })
}

const METHODS = {
  otsu: {
    sees: 'picture',
    separate: ({ data }) => ({
      pixels: data,
      threshold: otsuThreshold(greyHistogram(data)),
      isDone: false,
    }),
  },
  fixed: {
    sees: 'pixel',
    separate: ({ data }, { threshold }) => ({ pixels: data, threshold, isDone: false }),
  },
  niblack: { sees: 'window', window: 31, k: -0.2, separate: local(binarizeNiblack) },
  sauvola: { sees: 'window', window: 31, k: 0.2, separate: local(binarizeSauvola) },
  wolf: { sees: 'picture', window: 41, k: 0.5, separate: local(binarizeWolf) },
  nick: { sees: 'window', window: 19, k: -0.1, separate: local(binarizeNick) },
  su: { sees: 'picture', window: 9, k: 0, separate: local(binarizeSu) },
  'adaptive-mean': { sees: 'window', window: 31, separate: local(adaptive('mean')) },
  'adaptive-gaussian': { sees: 'window', window: 31, separate: local(adaptive('gaussian')) },
} as const satisfies Record<string, Method>

export type BinarizeMethod = keyof typeof METHODS

export const BINARIZE_METHODS = Object.keys(METHODS) as [BinarizeMethod, ...BinarizeMethod[]]

/**
 * Makes grey pixels black and white: 0 and 255 for each pixel. The same pixels and options give the same.
 * @throws UsageError when an option is out of its range.
 */
export async function binarizeGrey(grey: GreyPixels, options: ThresholdOptions = {}): Promise<Uint8Array> {
  return binarized(await separateGrey(grey, options))
}

/** The same before the threshold is applied, where that is done while the picture is encoded. */
export async function separateGrey(grey: GreyPixels, options: ThresholdOptions = {}): Promise<Separation> {
  const { method, parameters, ink } = readOptions(options)
  const isLight = (ink === 'auto' ? inkOf(greyHistogram(grey.data)) : ink) === 'light'
  return method.separate(isLight ? invert(grey) : grey, parameters)
}

/** 0 and 255 for each pixel. */
export function binarized({ pixels, threshold, isDone }: Separation): Uint8Array {
  return isDone ? pixels : applyThreshold(pixels, threshold)
}

/**
 * The rows above and below a pixel that what becomes of it depends on: with so many more on either side, a part of
 * a picture comes out as it does in the whole picture. Undefined where it depends on all of it: with `otsu`, `wolf`,
 * `su`, and where the ink is to be told. The histograms of the parts then tell {@link otsuThreshold} and
 * {@link inkOf} what to give to `fixed` and `ink`.
 * @throws UsageError when an option is out of its range.
 */
export function overlapOf(options: ThresholdOptions): number | undefined {
  const { method, parameters, ink } = readOptions(options)
  if (method.sees === 'picture' || ink === 'auto') return undefined
  return method.sees === 'window' ? parameters.window >> 1 : 0
}

/** @throws UsageError when an option is out of its range. */
export function checkThresholdOptions(options: ThresholdOptions): void {
  readOptions(options)
}

/**
 * The side of the window and what its deviation counts, with the method's own for what is not given.
 * @throws UsageError when an option is out of its range.
 */
export function windowOf(options: ThresholdOptions): { window: number; k: number } {
  const { window, k } = readOptions(options).parameters
  return { window, k }
}

/** Column sums and window sums stay exact, OpenCV's too. */
export const MAX_WINDOW = 2047

function readOptions(options: ThresholdOptions): {
  method: Method
  parameters: Parameters
  ink: (typeof INKS)[number]
} {
  const check = optionChecks('binarize pictures')
  const method: Method = METHODS[check.oneOf('method', options.method ?? 'otsu', BINARIZE_METHODS)]
  const { window = method.window ?? MIN_WINDOW, k = method.k ?? 0, r = 128, c = 10 } = options
  const finite = (name: string, value: number) => {
    if (Number.isFinite(value)) return value
    throw check.wrong(name, String(value), 'a finite number')
  }
  if (!Number.isInteger(window) || window % 2 === 0 || window < MIN_WINDOW || window > MAX_WINDOW) {
    throw check.wrong('window', window, `an odd whole number from ${MIN_WINDOW} to ${MAX_WINDOW}`)
  }
  return {
    method,
    parameters: {
      window,
      k: finite('k', k),
      threshold: check.wholeNumber('threshold', options.threshold ?? 127, 0, 255),
      r: check.number('r', finite('r', r), 0, Number.MAX_VALUE),
      c: finite('c', c),
      minN: check.wholeNumber('minN', options.minN ?? window, 1, MAX_WINDOW ** 2),
    },
    ink: check.oneOf('ink', options.ink ?? 'dark', INKS),
  }
}

export const MIN_WINDOW = 3
