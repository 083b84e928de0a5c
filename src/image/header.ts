import { type PictureFormat, sniffFormat } from './format.js'
import { readBmpHeader } from './header/bmp.js'
import { readGifHeader } from './header/gif.js'
import { readIsoMediaHeader } from './header/iso-media.js'
import { readJpegHeader } from './header/jpeg.js'
import type { HeaderReader, PictureHeader } from './header/picture-header.js'
import { readPngHeader } from './header/png.js'
import { readTiffHeader } from './header/tiff.js'
import { readWebpHeader } from './header/webp.js'

export type { PictureHeader } from './header/picture-header.js'

const READERS: Partial<Record<PictureFormat, HeaderReader>> = {
  jpeg: readJpegHeader,
  png: readPngHeader,
  webp: readWebpHeader,
  gif: readGifHeader,
  tiff: readTiffHeader,
  bmp: readBmpHeader,
  avif: readIsoMediaHeader,
  heic: readIsoMediaHeader,
}

/**
 * A picture's size and samples from its header, in microseconds and without sharp. Hostile bytes may lie; they
 * cannot make this throw or loop.
 * @returns undefined when the format is not known or its header is damaged.
 */
export function readHeader(bytes: Uint8Array): PictureHeader | undefined {
  const format = sniffFormat(bytes)
  const header = format && READERS[format]?.(bytes)
  if (!header || header.width === 0 || header.height === 0 || header.channels === 0) return undefined
  return { format: format as PictureFormat, ...header }
}

/** sharp's own limit, 16383 x 16383: some 1 GiB as RGBA. */
export const DEFAULT_MAX_PIXELS = 0x3fff * 0x3fff

/**
 * How much memory this picture may take while a job works on it: its encoded bytes, the pixels of one frame, and what
 * its decoder holds beside them. A guess for sharing memory among the pictures in flight; no limit is enforced by it.
 * @param maxPixels above which a picture is refused before its pixels take any memory
 */
export function estimateDecodedBytes(bytes: Uint8Array, maxPixels = DEFAULT_MAX_PIXELS): number {
  const header = readHeader(bytes)
  if (!header) return bytes.length * (1 + UNKNOWN_RATIO)
  const pixels = header.width * header.height
  if (pixels > maxPixels) return bytes.length
  const samplesOfPixel = Math.min(header.channels, MAX_CHANNELS)
  const bytesOfSample = Math.min(Math.max(1, Math.ceil(header.bitDepth / 8)), MAX_SAMPLE_BYTES)
  const decoderBytesOfPixel = Math.min(header.decoderBytesOfPixel ?? 0, MAX_DECODER_BYTES)
  const pixelsHeld = Math.max(pixels, header.width * ROWS_HELD)
  return bytes.length + pixelsHeld * (samplesOfPixel * bytesOfSample + decoderBytesOfPixel)
}

/** Photographs as JPEG decode to some 8 times their length. */
const UNKNOWN_RATIO = 8
/** libvips decodes no more than this: RGBA, CMYK with alpha. */
const MAX_CHANNELS = 5
const MAX_SAMPLE_BYTES = 8
const MAX_DECODER_BYTES = 32
/** libvips works on so many rows at a time: of a picture that is all width, more than there are. Measured. */
const ROWS_HELD = 256
