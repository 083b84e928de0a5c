import { crc32 } from 'node:zlib'
import { sniffFormat } from '../format.js'
import { findExif } from './block.js'
import { nextDirectoryAt } from './directories.js'

/**
 * A picture's bytes without the link to the small preview in its EXIF: written on with the rest of the metadata,
 * it would show a cropped picture whole, and a turned one as it was. The bytes themselves where there is no preview.
 */
export function withoutPreview(bytes: Uint8Array): Uint8Array {
  const format = sniffFormat(bytes)
  const block = format === 'tiff' ? undefined : findExif(bytes)
  const linkAt = block && nextDirectoryAt(bytes, block)
  if (!block || linkAt === undefined) return bytes
  const copy = Buffer.from(bytes)
  copy.fill(0, linkAt, linkAt + 4)
  // PNG's checksum of a chunk covers its type and its data.
  if (format === 'png' && block.end + 4 <= copy.length) {
    copy.writeUInt32BE(crc32(copy.subarray(block.start - 4, block.end)), block.end)
  }
  return copy
}
