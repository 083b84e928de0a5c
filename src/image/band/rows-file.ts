import type { FileHandle } from 'node:fs/promises'
import { type JoinedPicture, type RowsLayout, rowBytesOf } from './band-rows.js'
import { appendTo } from './scratch-file.js'
import { TAG } from './tiff-directory.js'
import { longTag, offsetsTag, shortTag, tiffHeader } from './tiff-writer.js'

/** From here on places in a TIFF take more than 32 bits; with room for its header. */
const BIG_BYTES = 2 ** 32 - 2 ** 24
const STRIP_BYTES = 256 * 1024

const UNCOMPRESSED = 1
const PHOTOMETRIC = { blackIsZero: 1, rgb: 2 }
const UNASSOCIATED_ALPHA = 2
const COLOURS = 3

/**
 * Writes rows as an uncompressed TIFF, from which libvips reads them again a few at a time.
 * @param file a new one
 */
export async function writeRows(file: FileHandle, picture: JoinedPicture): Promise<void> {
  await appendTo(file, rowsHeader(picture))
  for await (const rows of picture.rows) await appendTo(file, rows)
}

function rowsHeader(layout: RowsLayout): Buffer {
  const { width, height, channels, bits } = layout
  const rowBytes = rowBytesOf(layout)
  const isBig = rowBytes * height > BIG_BYTES
  const rowsPerStrip = Math.min(height, Math.max(1, Math.floor(STRIP_BYTES / rowBytes)))
  const strips = Math.ceil(height / rowsPerStrip)
  const lengths = Array.from(
    { length: strips },
    (_, strip) => Math.min(rowsPerStrip, height - strip * rowsPerStrip) * rowBytes,
  )
  return tiffHeader({ isLittleEndian: true, isBig }, (end) => [
    longTag(TAG.imageWidth, width),
    longTag(TAG.imageLength, height),
    shortTag(TAG.bitsPerSample, ...Array<number>(channels).fill(bits)),
    shortTag(TAG.compression, UNCOMPRESSED),
    shortTag(TAG.photometric, channels < COLOURS ? PHOTOMETRIC.blackIsZero : PHOTOMETRIC.rgb),
    shortTag(TAG.samplesPerPixel, channels),
    ...(channels > COLOURS ? [shortTag(TAG.extraSamples, UNASSOCIATED_ALPHA)] : []),
    longTag(TAG.rowsPerStrip, rowsPerStrip),
    offsetsTag(
      TAG.stripOffsets,
      lengths.map((_, strip) => end + strip * rowsPerStrip * rowBytes),
      isBig,
    ),
    offsetsTag(TAG.stripByteCounts, lengths, isBig),
  ])
}
