import { type Encoding, inOurWords, readEncoding, type Target, targetOf, written } from './encode.js'
import { extensionOf } from './format.js'
import type { Picture } from './picture.js'
import { readFacts } from './picture-facts.js'
import { storedFiles } from './tiles/stored-zip.js'

export const TILE_FORMATS = ['jpeg', 'png', 'webp'] as const
export const TILE_LAYOUTS = ['plain', 'deepzoom'] as const

export interface TileOptions {
  /** Length of the sides of a tile without its overlap, in pixels, 16 to 8192. @default 254 */
  tileSize?: number
  /** Pixels that a tile shares with each neighbour, on each side that has one; less than the tile size. @default 1 */
  overlap?: number
  /** @default 'jpeg' */
  format?: (typeof TILE_FORMATS)[number]
  /** Of JPEG and WebP, 1 to 100; PNG is lossless. @default 80 */
  quality?: number
  /** What shows through a transparent picture in JPEG: a CSS colour. @default 'white' */
  background?: string
  /**
   * What the keys of the tiles are: `plain` is `name/level/x_y`; `deepzoom` is `name_files/level/x_y`, where viewers
   * look for them. @default 'plain'
   */
  layout?: (typeof TILE_LAYOUTS)[number]
}

/** A tile, or the descriptor of a pyramid. */
export interface Tile {
  key: string
  /** Encoded; the descriptor is XML. A view of bytes that all tiles share. */
  bytes: Uint8Array
}

/**
 * A picture as a Deep Zoom pyramid: upright by its EXIF orientation, in sRGB, the first frame of an animation. Its
 * highest level, ceil(log2(longer side)), is the picture itself; each level below is half as wide and high, rounded
 * up, down to level 0 of one pixel, and each of its pixels the mean of four. Column x and row y of a level begin at
 * x * tileSize and y * tileSize, less the overlap; the last ones are as small as what is left.
 *
 * libvips decodes the picture once and in rows, and holds a few rows of each level: memory follows the picture's
 * width and the encoded tiles, not its pixels. Only pictures that are turned, interlaced or progressive need more.
 *
 * The same picture and options give the same bytes.
 * @yields the tiles from the highest level down, then the descriptor under `name.dzi`, where the name is the
 *   picture's key.
 * @throws PictureError when the picture can't be decoded, LimitError when it is over a limit, UsageError when an
 *   option is out of its range.
 * @see https://learn.microsoft.com/previous-versions/windows/silverlight/dotnet-windows-silverlight/cc645077(v=vs.95)
 */
export async function* deepZoomTiles(picture: Picture, options: TileOptions = {}): AsyncGenerator<Tile> {
  const settings = await readSettings(picture, options)
  const { key } = picture
  const folder = settings.layout === 'plain' ? key : `${key}_files`
  const { zip, width, height } = await encodePyramid(picture, settings)
  for (const { name, bytes } of storedFiles(zip)) {
    const [, place] = TILE_NAME.exec(name) ?? []
    if (place) yield { key: `${folder}/${place}`, bytes }
  }
  yield { key: `${key}.dzi`, bytes: Buffer.from(descriptor(key, width, height, settings)) }
}

interface Settings {
  readonly encoding: Encoding
  readonly target: Target
  readonly tileSize: number
  readonly overlap: number
  readonly layout: (typeof TILE_LAYOUTS)[number]
}

/** What libvips calls a tile: `untitled_files/<level>/<column>_<row>.jpeg`. */
const TILE_NAME = /_files\/(\d+\/\d+_\d+)\.\w+$/

/** @throws UsageError for an option out of its range, and what reading the picture's header throws. */
async function readSettings(picture: Picture, options: TileOptions): Promise<Settings> {
  const { format = 'jpeg', quality = 80, background = 'white' } = options
  const encoding = readEncoding('make tiles', { format, quality, background }, TILE_FORMATS)
  const { wholeNumber, oneOf } = encoding.check
  const tileSize = wholeNumber('tileSize', options.tileSize ?? 254, 16, 8192)
  return {
    encoding,
    tileSize,
    overlap: wholeNumber('overlap', options.overlap ?? 1, 0, tileSize - 1),
    layout: oneOf('layout', options.layout ?? 'plain', TILE_LAYOUTS),
    target: targetOf(encoding, await readFacts(picture)),
  }
}

async function encodePyramid(picture: Picture, { encoding, target, tileSize, overlap }: Settings) {
  const { data, info } = await inOurWords(picture, encoding, target, () => {
    let pipeline = picture.pipeline()
    if (target.format === 'jpeg') pipeline = pipeline.flatten({ background: encoding.background })
    if (target.colours) pipeline = pipeline.toColourspace(target.colours)
    return written(pipeline, encoding, target)
      .tile({ size: tileSize, overlap, layout: 'dz', container: 'zip' })
      .toBuffer({ resolveWithObject: true })
  })
  return { zip: data, width: info.width, height: info.height }
}

/**
 * The `.dzi` that viewers open. They look for the tiles in `name_files`; of tiles elsewhere OpenSeadragon learns by
 * the Url, which is relative to the page.
 */
function descriptor(
  key: string,
  width: number,
  height: number,
  { target, tileSize, overlap, layout }: Settings,
): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const place = layout === 'plain' ? ` Url="${encodeURIComponent(name)}/"` : ''
  const attributes = `Format="${extensionOf(target.format)}" Overlap="${overlap}" TileSize="${tileSize}"`
  return `<?xml version="1.0" encoding="UTF-8"?>
<Image xmlns="http://schemas.microsoft.com/deepzoom/2008"${place} ${attributes}>
  <Size Width="${width}" Height="${height}"/>
</Image>
`
}
