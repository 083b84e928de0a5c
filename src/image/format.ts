/** What is known of a picture format: how its files are named, whether libvips as we load it decodes it. */
interface FormatFacts {
  readonly name: string
  /** In small letters, without the dot; the first is the usual one. */
  readonly extensions: readonly string[]
  readonly decodable: boolean
}

const FORMATS = {
  jpeg: { name: 'JPEG', extensions: ['jpg', 'jpeg', 'jpe', 'jfif'], decodable: true },
  png: { name: 'PNG', extensions: ['png', 'apng'], decodable: true },
  webp: { name: 'WebP', extensions: ['webp'], decodable: true },
  gif: { name: 'GIF', extensions: ['gif'], decodable: true },
  tiff: { name: 'TIFF', extensions: ['tif', 'tiff'], decodable: true },
  avif: { name: 'AVIF', extensions: ['avif'], decodable: true },
  heic: { name: 'HEIC', extensions: ['heic', 'heif'], decodable: false },
  bmp: { name: 'BMP', extensions: ['bmp', 'dib'], decodable: false },
  jp2: { name: 'JPEG 2000', extensions: ['jp2', 'j2k', 'jpx'], decodable: false },
  jxl: { name: 'JPEG XL', extensions: ['jxl'], decodable: false },
  svg: { name: 'SVG', extensions: ['svg', 'svgz'], decodable: false },
  pdf: { name: 'PDF', extensions: ['pdf'], decodable: false },
} as const satisfies Record<string, FormatFacts>

export type PictureFormat = keyof typeof FORMATS

/** Drawings and documents: known by their bytes, but not taken for pictures when a folder is read. */
const NOT_PHOTOGRAPHS: ReadonlySet<PictureFormat> = new Set(['svg', 'pdf'])

const PICTURE_EXTENSIONS: ReadonlySet<string> = new Set(
  (Object.keys(FORMATS) as PictureFormat[])
    .filter((format) => !NOT_PHOTOGRAPHS.has(format))
    .flatMap((format) => [...FORMATS[format].extensions]),
)

/** The formats that can be decoded, for messages. */
export const DECODABLE_NAMES: readonly string[] = Object.values(FORMATS)
  .filter((format) => format.decodable)
  .map((format) => format.name)

/** 'JPEG', 'WebP': as people write it. */
export function formatName(format: PictureFormat): string {
  return FORMATS[format].name
}

export function isDecodable(format: PictureFormat): boolean {
  return FORMATS[format].decodable
}

/** The usual extension of a format, without the dot: 'jpg' for jpeg. */
export function extensionOf(format: PictureFormat): string {
  return FORMATS[format].extensions[0]
}

/**
 * Whether a file of this name is taken for a picture. Formats that cannot be decoded here (HEIC, BMP) are among
 * them: such a file is set aside with its reason rather than passed over.
 */
export function isPictureName(name: string): boolean {
  const extension = extensionIn(name)
  return extension !== undefined && PICTURE_EXTENSIONS.has(extension)
}

/** Whether the extension of `key` is one of this format's, in any case: 'a.JPE' and jpeg. */
export function extensionMatches(key: string, format: PictureFormat): boolean {
  const extension = extensionIn(key)
  return extension !== undefined && (FORMATS[format].extensions as readonly string[]).includes(extension)
}

function extensionIn(name: string): string | undefined {
  return /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase()
}

/** The format that the first bytes tell, whatever the name says; undefined when they tell none. Never throws. */
export function sniffFormat(bytes: Uint8Array): PictureFormat | undefined {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'jpeg'
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png'
  const head = latin1(bytes, 0, 32)
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'webp'
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'gif'
  // The classic magic and BigTIFF's, of both endians.
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return 'tiff'
  if (head.slice(4, 8) === 'ftyp') return sniffIsoMedia(bytes)
  // 'BM' alone would take too much text for a picture: the four reserved bytes are zero, the headers are short.
  if (head.startsWith('BM') && /^\0{4}/.test(head.slice(6)) && bytes[15] === 0 && bytes[16] === 0)
    return 'bmp'
  if (head.slice(4, 12) === 'jP  \r\n\x87\n' || startsWith(bytes, [0xff, 0x4f, 0xff, 0x51])) return 'jp2'
  if (startsWith(bytes, [0xff, 0x0a]) || head.slice(4, 12) === 'JXL \r\n\x87\n') return 'jxl'
  if (head.startsWith('%PDF-')) return 'pdf'
  if (/^(\xef\xbb\xbf)?\s*<(svg|\?xml|!--|!DOCTYPE svg)/i.test(head)) {
    return /<svg[\s>]/i.test(latin1(bytes, 0, 4096)) ? 'svg' : undefined
  }
  return undefined
}

/** HEIF's family tells itself apart by brands: the major one, then the compatible ones. */
function sniffIsoMedia(bytes: Uint8Array): PictureFormat | undefined {
  const boxBytes = Math.min(128, ((bytes[2]! << 8) | bytes[3]!) >>> 0)
  const brands = latin1(bytes, 8, boxBytes).match(/.{4}/gs) ?? []
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return 'avif'
  if (brands.some((brand) => /^(hei[cxms]|hev[cx]|mif1|msf1)$/.test(brand))) return 'heic'
  return undefined
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte)
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end)
}
