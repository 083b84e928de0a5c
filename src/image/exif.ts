import { checkDecodable } from './decodable.js'
import { findExif } from './exif/block.js'
import { type ExifDirectories, readExifDirectories, type TagValue } from './exif/directories.js'
import { tagName } from './exif/tag-names.js'
import { isoTime } from './exif/time.js'
import { type PictureFormat, sniffFormat } from './format.js'
import type { Picture } from './picture.js'

export interface ExifOptions {
  /** Tags to add by their names, as `ISO` or `FNumber`; `all` adds every one. @default none */
  tags?: readonly string[]
}

/** What a picture says of itself; null for what it does not. The fields are always in this order. */
export interface ExifFacts {
  format: PictureFormat
  camera: { make: string | null; model: string | null } | null
  lens: string | null
  /** ISO 8601, with the offset from UTC only where the picture has one: `2026-07-01T12:34:56.12+02:00`. */
  taken: string | null
  /** 1 to 8, as EXIF numbers them. */
  orientation: number | null
  exposure: {
    /** In seconds. */
    time: number | null
    /** The f-number. */
    aperture: number | null
    iso: number | null
    /** In millimetres, of the lens itself. */
    focalLength: number | null
  } | null
  gps: {
    /** In degrees, north and east positive. */
    latitude: number
    longitude: number
    /** In metres above the sea. */
    altitude: number | null
  } | null
  artist: string | null
  copyright: string | null
  software: string | null
  /** Those that were asked for, ordered by name. */
  tags?: Record<string, unknown>
  /** What of the EXIF is damaged; what is not was read. */
  error: string | null
}

/**
 * Reads a picture's EXIF; of JPEG, PNG, WebP, TIFF, AVIF and HEIC. No pixel is decoded.
 * @throws PictureError when the bytes are no picture.
 */
export function exif(picture: Picture, options: ExifOptions = {}): ExifFacts {
  const format = sniffFormat(picture.bytes)
  if (!format) checkDecodable(picture.key, picture.bytes)
  const block = findExif(picture.bytes)
  const { directories, problems } = block
    ? readExifDirectories(picture.bytes, block)
    : { directories: EMPTY, problems: [] }
  const { ifd0, exif: main } = directories
  const make = text(ifd0.get(TAG.make))
  const model = text(ifd0.get(TAG.model))
  const exposure = {
    time: positive(main.get(TAG.exposureTime)),
    aperture: positive(main.get(TAG.fNumber)),
    iso: positive(main.get(TAG.iso)),
    focalLength: positive(main.get(TAG.focalLength)),
  }
  const orientation = ifd0.get(TAG.orientation)
  return {
    format: format!,
    camera: make === null && model === null ? null : { make, model },
    lens: text(main.get(TAG.lensModel)),
    taken: takenAt(directories),
    orientation: ORIENTATIONS.has(orientation) ? (orientation as number) : null,
    exposure: Object.values(exposure).every((value) => value === null) ? null : exposure,
    gps: position(directories),
    artist: text(ifd0.get(TAG.artist)),
    copyright: text(ifd0.get(TAG.copyright)),
    software: text(ifd0.get(TAG.software)),
    ...(options.tags && options.tags.length > 0 ? { tags: namedTags(directories, options.tags) } : {}),
    error: problems.length === 0 ? null : describe(problems),
  }
}

const EMPTY: ExifDirectories = { ifd0: new Map(), exif: new Map(), gps: new Map() }

/** The tags that have a field of their own (CIPA DC-008, tables 3 to 15). */
const TAG = {
  make: 0x010f,
  model: 0x0110,
  orientation: 0x0112,
  software: 0x0131,
  artist: 0x013b,
  copyright: 0x8298,
  exposureTime: 0x829a,
  fNumber: 0x829d,
  iso: 0x8827,
  dateTimeOriginal: 0x9003,
  dateTimeDigitized: 0x9004,
  offsetTimeOriginal: 0x9011,
  offsetTimeDigitized: 0x9012,
  subSecTimeOriginal: 0x9291,
  subSecTimeDigitized: 0x9292,
  focalLength: 0x920a,
  lensModel: 0xa434,
} as const

const GPS_TAG = {
  latitudeRef: 1,
  latitude: 2,
  longitudeRef: 3,
  longitude: 4,
  altitudeRef: 5,
  altitude: 6,
} as const

const ORIENTATIONS = new Set<unknown>([1, 2, 3, 4, 5, 6, 7, 8])
const BELOW_SEA = 1

function text(value: TagValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function positive(value: TagValue | undefined): number | null {
  // Some cameras write their sensitivity twice.
  const first = Array.isArray(value) ? value[0] : value
  return typeof first === 'number' && first > 0 && Number.isFinite(first) ? first : null
}

/** When the picture was taken, else when it was digitized; never when the file was changed. */
function takenAt({ exif: main }: ExifDirectories): string | null {
  return (
    isoTime(
      main.get(TAG.dateTimeOriginal),
      main.get(TAG.subSecTimeOriginal),
      main.get(TAG.offsetTimeOriginal),
    ) ??
    isoTime(
      main.get(TAG.dateTimeDigitized),
      main.get(TAG.subSecTimeDigitized),
      main.get(TAG.offsetTimeDigitized),
    )
  )
}

function position({ gps }: ExifDirectories): ExifFacts['gps'] {
  const latitude = degrees(gps.get(GPS_TAG.latitude), gps.get(GPS_TAG.latitudeRef), ['N', 'S'], 90)
  const longitude = degrees(gps.get(GPS_TAG.longitude), gps.get(GPS_TAG.longitudeRef), ['E', 'W'], 180)
  if (latitude === null || longitude === null) return null
  const height = gps.get(GPS_TAG.altitude)
  const isBelow = gps.get(GPS_TAG.altitudeRef) === BELOW_SEA
  const altitude = typeof height === 'number' && Number.isFinite(height) ? (isBelow ? -height : height) : null
  return { latitude, longitude, altitude }
}

/** Seven digits of a degree are a centimetre. */
const DEGREE_DIGITS = 7

/** Degrees, minutes and seconds; null without the hemisphere, for half of the earth is none to guess. */
function degrees(
  value: TagValue | undefined,
  hemisphere: TagValue | undefined,
  [plus, minus]: readonly [string, string],
  most: number,
): number | null {
  if (!Array.isArray(value) || value.length !== 3) return null
  const [whole, minutes, seconds] = value as number[]
  const total = whole! + minutes! / 60 + seconds! / 3600
  if (!(total >= 0 && total <= most) || (hemisphere !== plus && hemisphere !== minus)) return null
  const rounded = Number(total.toFixed(DEGREE_DIGITS))
  return hemisphere === minus && rounded !== 0 ? -rounded : rounded
}

/** Of tags that several directories have, that of the first. */
function namedTags(directories: ExifDirectories, wanted: readonly string[]): Record<string, unknown> {
  const isWanted = wanted.includes('all') ? () => true : (name: string) => wanted.includes(name)
  const found = new Map<string, unknown>()
  for (const directory of ['ifd0', 'exif', 'gps'] as const) {
    for (const [tag, value] of directories[directory]) {
      if (NO_DESCRIPTIONS.has(tag)) continue
      const name = tagName(directory, tag)
      if (isWanted(name) && !found.has(name)) found.set(name, plain(value))
    }
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Where something lies in the file: strips, tiles and their lengths, further directories, XMP, IPTC, a profile. */
const NO_DESCRIPTIONS: ReadonlySet<number> = new Set([
  273, 279, 324, 325, 330, 513, 514, 700, 33723, 34377, 34665, 34675, 34853, 40965,
])

/** Bytes as the text that they are, as in ExifVersion, else in base64. */
function plain(value: TagValue): unknown {
  if (!(value instanceof Uint8Array)) return value
  const bytes = Buffer.from(value)
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  return isText ? bytes.toString('latin1') : `base64:${bytes.toString('base64')}`
}

const PROBLEMS_TOLD = 3

function describe(problems: readonly string[]): string {
  const told = problems.slice(0, PROBLEMS_TOLD)
  const rest = problems.length - told.length
  return `EXIF is damaged: ${told.join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`
}
