import { PictureError } from '../errors.js'
import { DECODABLE_NAMES, formatName, isDecodable, sniffFormat } from './format.js'
import { isJpegCutOff } from './header/jpeg.js'

/**
 * Checks by the first bytes that a picture is of a format that libvips may read here.
 * @throws PictureError saying what the bytes are instead.
 */
export function checkDecodable(key: string, bytes: Uint8Array): void {
  const format = sniffFormat(bytes)
  if (format && isDecodable(format)) return
  if (bytes.length === 0) throw undecodable(key, 'the file is empty')
  if (format) {
    throw undecodable(
      key,
      `it is ${formatName(format)}; those that can be decoded are ${DECODABLE_NAMES.join(', ')}`,
    )
  }
  const start = Buffer.from(bytes.subarray(0, 4))
    .toString('hex')
    .replace(/..(?!$)/g, '$& ')
  throw undecodable(key, `these bytes are of no picture format that is supported (they begin with ${start})`)
}

/**
 * Checks that a JPEG is all there. libvips finds the end missing only where it reads that far, and for a thumbnail it
 * does not always need the last rows.
 * @throws PictureError when it is cut off.
 */
export function checkWhole(key: string, bytes: Uint8Array): void {
  if (sniffFormat(bytes) === 'jpeg' && isJpegCutOff(bytes)) {
    throw undecodable(key, 'premature end of JPEG image, the file is cut off')
  }
}

function undecodable(key: string, reason: string): PictureError {
  return new PictureError(`Cannot decode "${key}": ${reason}`, { details: { key } })
}
