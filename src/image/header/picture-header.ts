import type { PictureFormat } from '../format.js'

/** What a picture's first bytes say of it. Nothing is decoded, so nothing here is certain. */
export interface PictureHeader {
  readonly format: PictureFormat
  /** In pixels, as stored: before EXIF orientation is applied; of one frame. */
  readonly width: number
  readonly height: number
  /** Once decoded, alpha included. */
  readonly channels: number
  /** Of one sample, as stored: 1, 8, 16 and so on. */
  readonly bitDepth: number
  /** Whether an ICC profile is embedded; only looked for in the formats with more than 8 bits: PNG, TIFF, AVIF. */
  readonly hasProfile: boolean
  /** Whether samples are floating-point numbers, as in TIFF they may be. @default false */
  readonly isFloat?: boolean
  /**
   * What the decoder holds of the whole picture beside the pixels that it gives, in bytes a pixel.
   * @default 0, for those that decode row by row
   */
  readonly decoderBytesOfPixel?: number
}

/** Reads a header that begins with its format's magic; undefined when it makes no sense. */
export type HeaderReader = (bytes: Uint8Array) => Omit<PictureHeader, 'format'> | undefined

// Past the end these read zero, so that no length in hostile bytes has to be trusted: `undefined << 8` is 0.

export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

export function u16be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function u16le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

export function u24le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
}

export function u32be(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

export function u32le(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** Four characters, as chunks and boxes are named; shorter at the end of the bytes. */
export function fourCharacters(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}
