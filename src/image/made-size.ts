import { LimitError } from '../errors.js'
import type { Size } from './fitted-size.js'
import type { ImageLimits } from './limits.js'

/**
 * Checks a picture that is going to be made: a line of pixels that is turned by some degrees, or a scale of 10000
 * percent, would else take any amount of memory.
 * @throws LimitError naming the size, the limit and its flag.
 */
export function checkMadeSize(key: string, { width, height }: Size, { maxPixels }: ImageLimits): void {
  const pixels = width * height
  if (pixels <= maxPixels) return
  throw new LimitError(
    `Cannot make ${width} x ${height} pixels of "${key}": they are ${pixels}, the limit is ${maxPixels}; raise --max-pixels if you mean it`,
    { details: { key, value: pixels, limit: maxPixels, flag: '--max-pixels' } },
  )
}
