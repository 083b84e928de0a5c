import { PictureError } from '../errors.js'
import { gated } from './decode-gate.js'
import { keyWithFormat, keyWithPart } from './derived-key.js'
import {
  ENCODED_FORMATS,
  type EncodedFormat,
  type Encoding,
  type EncodingOptions,
  encode,
  inOurWords,
  readEncoding,
  type Target,
  targetOf,
} from './encode.js'
import { formatName, sniffFormat } from './format.js'
import type { Picture } from './picture.js'
import { type PictureFacts, readFacts } from './picture-facts.js'
import { loadSharp } from './sharp.js'
import { drawnSvg } from './svg.js'

export const PAGES = ['first', 'all'] as const

export interface ConvertOptions extends EncodingOptions {
  format: EncodedFormat
  /** Frames of an animation, pages of a TIFF: the first, or all of them. @default 'first' */
  pages?: (typeof PAGES)[number]
  /** Whether the key gets the usual extension of the format. @default false */
  rename?: boolean
  /** Whether SVG is drawn, at its own size. @default false, which makes it an error */
  allowSvg?: boolean
}

export interface ConvertedPicture {
  /** The picture's key; with the number of the page, `scan.0001.tif`, where there are several. */
  key: string
  /** Encoded. */
  bytes: Uint8Array
}

/**
 * A picture in another format: upright by its EXIF orientation, in sRGB or grey. Of several pages WebP makes an
 * animation with the times of the frames, and TIFF one file; of the other formats each page is a picture of its own,
 * numbered from 1. The same picture and options give the same bytes.
 * @returns one picture, or one for each page.
 * @throws PictureError when the picture can't be decoded or the format can't hold it, LimitError when it is over a
 *   limit, UsageError when an option is out of its range.
 */
export async function convert(picture: Picture, options: ConvertOptions): Promise<ConvertedPicture[]> {
  const encoding = readEncoding('convert pictures', options, ENCODED_FORMATS)
  const pages = encoding.check.oneOf('pages', options.pages ?? 'first', PAGES)
  if (!options.allowSvg) refuseSvg(picture)
  const source = await drawnSvg(picture)
  const facts = await readFacts(source)
  const target = targetOf(encoding, facts)
  const key = options.rename ? keyWithFormat(picture.key, target.format) : picture.key
  if (pages === 'first' || facts.pages === 1) {
    return [{ key, bytes: await encode(source, encoding, target, (opened) => opened.pipeline()) }]
  }
  if (HOLDS_PAGES.has(target.format)) {
    return [{ key, bytes: await allInOne(source, encoding, target, facts) }]
  }
  const converted: ConvertedPicture[] = []
  for await (const bytes of pageByPage(source, encoding, target, facts)) {
    const page = String(converted.length + 1).padStart(PAGE_DIGITS, '0')
    converted.push({ key: keyWithPart(key, page), bytes })
  }
  return converted
}

function refuseSvg({ key, bytes }: Picture): void {
  if (sniffFormat(bytes) !== 'svg') return
  throw new PictureError(
    `Cannot convert "${key}": it is SVG; --allow-svg draws it, if you trust where it is from`,
    {
      details: { key },
    },
  )
}

const HOLDS_PAGES: ReadonlySet<EncodedFormat> = new Set(['webp', 'tiff'])

/** As many as keep the keys of a thousand pages in the order of the pages. */
const PAGE_DIGITS = 4

async function allInOne(
  picture: Picture,
  encoding: Encoding,
  target: Target,
  facts: PictureFacts,
): Promise<Uint8Array> {
  checkUnturned(picture, facts)
  try {
    return await encode(picture, encoding, target, (source) => source.pipeline({ animated: true }))
  } catch (error) {
    if (!(error instanceof PictureError) || !PAGES_DIFFER.test(error.message)) throw error
    const name = formatName(target.format)
    throw new PictureError(
      `Cannot convert "${picture.key}": its ${facts.pages} pages differ in size or in colours, and those of a ${name} can't; PNG or JPEG are made of each page`,
      { cause: error, details: { key: picture.key } },
    )
  }
}

/** libvips' words. */
const PAGES_DIFFER = /page \d+ differs from page \d+/

/** libvips stacks the frames and would turn the stack. No camera makes such animations. */
function checkUnturned({ key }: Picture, { isTurned }: PictureFacts): void {
  if (!isTurned) return
  throw new PictureError(
    `Cannot convert "${key}": it has several pages and is to be turned by its EXIF orientation; --pages first takes the first`,
    { details: { key } },
  )
}

/** A frame is decoded with those before it, so an animation is decoded once; pages of a TIFF one by one. */
function pageByPage(
  picture: Picture,
  encoding: Encoding,
  target: Target,
  facts: PictureFacts,
): AsyncGenerator<Uint8Array> {
  const isAnimation = facts.format === 'gif' || facts.format === 'webp'
  return isAnimation ? framesOf(picture, encoding, target, facts) : pagesOf(picture, encoding, facts.pages)
}

async function* framesOf(picture: Picture, encoding: Encoding, target: Target, facts: PictureFacts) {
  checkUnturned(picture, facts)
  const { data, info } = await inOurWords(picture, encoding, target, () =>
    picture.pipeline({ animated: true }).raw().toBuffer({ resolveWithObject: true }),
  )
  const { width, channels } = info
  const height = info.height / facts.pages
  const frameBytes = width * height * channels
  for (let frame = 0; frame < facts.pages; frame++) {
    const pixels = data.subarray(frame * frameBytes, (frame + 1) * frameBytes)
    const open = () => gated(loadSharp()(pixels, { raw: { width, height, channels } }))
    yield await encode(picture, encoding, target, open)
  }
}

async function* pagesOf(picture: Picture, encoding: Encoding, pages: number) {
  for (let page = 0; page < pages; page++) {
    const target = targetOf(encoding, await readFacts(picture, page))
    yield await encode(picture, encoding, target, (source) => source.pipeline({ page }))
  }
}
