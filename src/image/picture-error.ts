import { LimitError, PictureError } from '../errors.js'

/**
 * What sharp, libvips or OpenCV threw at a picture, in our own grammar:
 * `Cannot decode "cam/1.jpg": VipsJpeg: premature end of JPEG image`. One of ours is returned as it is.
 */
export function pictureError(key: string, error: unknown): PictureError {
  if (error instanceof PictureError) return error
  const message = error instanceof Error ? error.message : String(error)
  const options = { cause: error, details: { key } }
  if (/exceeds pixel limit/.test(message)) {
    return new LimitError(
      `Cannot decode "${key}": its pixels are more than the limit; raise --max-pixels if you trust the picture`,
      options,
    )
  }
  // sharp's own words for a wrong argument: the picture is not at fault.
  const verb = /^Expected .+ but received /.test(message) ? 'process' : 'decode'
  return new PictureError(`Cannot ${verb} "${key}": ${reasonIn(message)}`, options)
}

/** libvips tries several times and logs each time, with a line for each seek past the end. */
function reasonIn(message: string): string {
  if (/^Input buffer is empty/i.test(message)) return 'the file is empty'
  // What follows may be the warnings of another picture: sharp gathers those of all that are being decoded.
  if (message.startsWith('Warning treated as error')) return 'it is damaged; the decoder does not say how'
  const lines = message
    .split('\n')
    .map((line) => line.replace(/^Input buffer has corrupt header:/, '').trim())
    .map((line) => line.replace(/^vipspng: (libpng read error)$/, 'its pixels are damaged or cut off ($1)'))
    .filter((line) => line !== '' && !/^source: bad seek/.test(line))
  // Tags that libtiff does not know are no fault, and are named only where nothing else is.
  const faults = lines.filter((line) => !/ is TIFF_SETGET_UNDEFINED|Unknown field with tag/.test(line))
  const [...reasons] = new Set(faults.length > 0 ? faults : lines)
  if (reasons.length === 0) return 'its header is damaged or cut off'
  if (/unsupported image format/.test(reasons[0]!)) {
    return 'libvips makes no picture of these bytes; they may be damaged or cut off'
  }
  // A decoder that goes on says the same of each block.
  const more = reasons.length > MAX_REASONS ? ` and ${reasons.length - MAX_REASONS} more` : ''
  return reasons.slice(0, MAX_REASONS).join(', ') + more
}

const MAX_REASONS = 3
