import { PictureError } from '../errors.js'
import { DECODABLE_NAMES, formatName, isDecodable, sniffFormat } from './format.js'
import { isJpegCutOff } from './header/jpeg.js'
import { findPngFault, isPngHeaderDamaged, isPngTooShort } from './header/png.js'
import type { PictureHeader } from './header.js'

/**
 * Checks by the first bytes that a picture is of a format that libvips may read here.
 * @throws PictureError saying what the bytes are instead.
 */
export function checkDecodable(key: string, bytes: Uint8Array): void {
  const format = sniffFormat(bytes)
  const fault = format === 'png' ? findPngFault(bytes) : undefined
  if (fault) throw undecodable(key, fault)
  if (format && isDecodable(format)) return
  if (bytes.length === 0) throw undecodable(key, 'the file is empty')
  if (format) {
    throw undecodable(
      key,
      `it is ${formatName(format)}; those that can be decoded are ${DECODABLE_NAMES.join(', ')}`,
    )
  }
  if (isDamagedSignature(bytes)) {
    throw undecodable(key, 'its PNG signature is damaged')
  }
  const start = Buffer.from(bytes.subarray(0, 4))
    .toString('hex')
    .replace(/..(?!$)/g, '$& ')
  throw undecodable(key, `these bytes are of no picture format that is supported (they begin with ${start})`)
}

/** Whether all but two of the first bytes are those of PNG, or all up to the line ends, which are there to be changed. */
function isDamagedSignature(bytes: Uint8Array): boolean {
  const equal = PNG_SIGNATURE.filter((byte, at) => bytes[at] === byte).length
  return equal >= 6 || PNG_SIGNATURE.subarray(0, 4).every((byte, at) => bytes[at] === byte)
}

const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

/**
 * Checks that a picture's numbers say how bright they are. Those of a floating-point TIFF may lie in any range, and
 * libvips would take 1 for black and not for white.
 * @throws PictureError when they are floating-point numbers.
 */
export function checkSamples(key: string, header: PictureHeader | undefined): void {
  if (header?.isFloat) {
    throw undecodable(key, 'its samples are floating-point numbers; convert it to 8 or 16 bits first')
  }
}

/**
 * Checks that a JPEG is all there, and that a PNG's header is as it was written and fits the file. libvips finds the end of a JPEG
 * missing only where it reads that far, and for a thumbnail it does not always need the last rows; of a PNG's header
 * it does not say what is wrong.
 * @throws PictureError when it is cut off or its header damaged.
 */
export function checkWhole(key: string, bytes: Uint8Array): void {
  const format = sniffFormat(bytes)
  if (format === 'jpeg' && isJpegCutOff(bytes)) {
    throw undecodable(key, 'premature end of JPEG image, the file is cut off')
  }
  if (format === 'png' && isPngHeaderDamaged(bytes)) {
    throw undecodable(key, 'the checksum of its header (IHDR) is wrong')
  }
  if (format === 'png' && isPngTooShort(bytes)) {
    throw undecodable(key, `${bytes.length} bytes can't hold the pixels that its header claims`)
  }
}

function undecodable(key: string, reason: string): PictureError {
  return new PictureError(`Cannot decode "${key}": ${reason}`, { details: { key } })
}
