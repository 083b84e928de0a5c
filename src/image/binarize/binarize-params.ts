import { z } from 'zod'
import { BINARIZE_FORMATS, BINARIZE_METHODS } from '../binarize.js'
import { INKS, MAX_WINDOW, MIN_WINDOW } from './methods.js'

/** Params of jobs that make pictures black and white, as pieces of their schemas; all but the method. */
export const thresholdParams = {
  window: z
    .number()
    .int()
    .min(MIN_WINDOW)
    .max(MAX_WINDOW)
    .refine((side) => side % 2 === 1, 'expected an odd number')
    .optional()
    .describe("side of the square around a pixel, in pixels, odd; default the method's own"),
  k: z.number().optional().describe("weight of the deviation in the window; default the method's own"),
  threshold: z
    .number()
    .int()
    .min(0)
    .max(255)
    .default(127)
    .describe('of fixed: brightest grey that becomes black'),
  r: z.number().positive().default(128).describe('of sauvola: range R of the deviation, in greys'),
  c: z.number().default(10).describe('of adaptive-*: greys from the mean down to the threshold'),
  ink: z.enum(INKS).default('dark').describe('what becomes black; auto: what there is less of'),
  format: z.enum(BINARIZE_FORMATS).default('png').describe('PNG, or TIFF in fax group 4'),
}

export const binarizeParams = {
  method: z.enum(BINARIZE_METHODS).default('otsu').describe('how the threshold is found'),
  ...thresholdParams,
  minN: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('of su: pixels of high contrast in a window with ink; default the side of the window'),
}
