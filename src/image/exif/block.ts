import { type PictureFormat, sniffFormat } from '../format.js'
import { jpegSegments } from '../header/jpeg.js'
import { fourCharacters, u32be, u32le } from '../header/picture-header.js'
import { findIsoMediaExif } from './iso-media-item.js'

/** Where a picture has its EXIF: a TIFF file within the file, which begins with `II` or `MM`. */
export interface ExifBlock {
  readonly start: number
  readonly end: number
}

/**
 * Finds a picture's EXIF, whatever is in it. The first, where there are several.
 * @returns undefined when there is none, or the container is damaged before it.
 */
export function findExif(bytes: Uint8Array): ExifBlock | undefined {
  const format = sniffFormat(bytes)
  const block = format && FINDERS[format]?.(bytes)
  return block && block.start < block.end ? block : undefined
}

const FINDERS: Partial<Record<PictureFormat, (bytes: Uint8Array) => ExifBlock | undefined>> = {
  jpeg: findInJpeg,
  png: findInPng,
  webp: findInWebp,
  tiff: (bytes) => ({ start: 0, end: bytes.length }),
  avif: findIsoMediaExif,
  heic: findIsoMediaExif,
}

const APP1 = 0xe1
const EXIF_MARK = 'Exif\0\0'

/** An APP1 segment whose payload begins with the mark. */
function findInJpeg(bytes: Uint8Array): ExifBlock | undefined {
  for (const { marker, at, end } of jpegSegments(bytes)) {
    const payload = at + 4
    if (marker !== APP1 || fourCharacters(bytes, payload) !== 'Exif') continue
    return { start: payload + EXIF_MARK.length, end: Math.min(end, bytes.length) }
  }
  return undefined
}

/** The chunk `eXIf`, before or behind the pixels. */
function findInPng(bytes: Uint8Array): ExifBlock | undefined {
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = u32be(bytes, at)
    if (fourCharacters(bytes, at + 4) === 'eXIf') {
      return { start: at + 8, end: Math.min(at + 8 + length, bytes.length) }
    }
    at += 12 + length
  }
  return undefined
}

/** The chunk `EXIF` behind the pixels; some writers put JPEG's mark into it. */
function findInWebp(bytes: Uint8Array): ExifBlock | undefined {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = u32le(bytes, at + 4)
    if (fourCharacters(bytes, at) === 'EXIF') {
      const end = Math.min(at + 8 + length, bytes.length)
      return { start: at + 8 + (fourCharacters(bytes, at + 8) === 'Exif' ? EXIF_MARK.length : 0), end }
    }
    at += 8 + length + (length % 2)
  }
  return undefined
}
