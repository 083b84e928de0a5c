import { z } from 'zod'
import type { Band } from '../../image/band/band.js'
import type { Picture } from '../../image/picture.js'
import type { Writable } from '../../io/writables/index.js'
import { classesOf } from '../record-classes.js'

/**
 * What the records of a job's input are, as a job names it and as it travels to the tasks. `R` is the type
 * of what `map` is called with.
 */
export interface InputDefinition<R> {
  readonly kind: 'pictures' | 'text' | 'key-value-text' | 'records'
  /** Text: lines of a split at the most, instead of splitting by bytes. */
  readonly linesPerSplit?: number
  /** Key-value text: what stands between key and value. */
  readonly separator?: string
  /** Records: the Java names of the classes that the files must have. */
  readonly keyClass?: string
  readonly valueClass?: string
  /** Pictures: how those of many pixels are cut into bands. @default not at all */
  readonly bands?: BandsDefinition
  /** Never set: it carries the type. */
  readonly record?: R
}

/** How pictures of many pixels are cut: plain functions of the job's params, called where the job is planned. */
export interface BandsDefinition {
  /** Pixels of a band's own rows. */
  pixels(params: unknown): number
  /** Rows of its neighbours that a band needs on either side. */
  overlap(params: unknown, size: PictureSize): number
}

/** Of a picture, upright, in pixels. */
export interface PictureSize {
  width: number
  height: number
}

/** A picture, or some rows of one. */
export type BandPicture = Picture & { readonly band: Band }

/** A line of text. */
export interface TextRecord {
  /** Where the line begins in its file, in bytes. */
  key: number
  /** The line without its end. */
  value: string
}

/** A record of any MapFile or SequenceFile. */
export interface StoredRecordOf<K, V> {
  key: K
  value: V
}

export const PICTURES: InputDefinition<Picture> = { kind: 'pictures' }

const DEFAULT_BAND_PIXELS = 16_000_000

/** The param that says how large a band is: `params: z.object({ ...bandParams, ... })`. */
export const bandParams = {
  bandPixels: z
    .number()
    .int()
    .min(1)
    .default(DEFAULT_BAND_PIXELS)
    .describe('cut pictures of more pixels into bands of as many'),
}

/**
 * Pictures, of which those of more pixels than `--band-pixels` come in several records, each a band of rows: see
 * {@link Band}. `map` sees no difference but in `picture.band`; a reducer joins what it emits, see `joinBands`.
 * @param options `params` are the job's, with {@link bandParams} among them; `overlap` says how many rows above and
 *   below its own a band needs for these params, 0 for what looks at each pixel alone.
 */
export function bandedPictures<S extends z.ZodObject<typeof bandParams>>({
  overlap,
}: {
  params: S
  overlap(params: z.infer<S>, size: PictureSize): number
}): InputDefinition<BandPicture> {
  return {
    kind: 'pictures',
    bands: {
      pixels: (params) => (params as z.infer<S>).bandPixels,
      overlap: (params, size) => overlap(params as z.infer<S>, size),
    },
  }
}

/** Lines of text files, as Hadoop's TextInputFormat: a file is divided at any byte, a compressed one is not. */
export function textInput(): InputDefinition<TextRecord> {
  return { kind: 'text' }
}

/** Lines of text files, at most `lines` of them a map task, as Hadoop's NLineInputFormat. */
export function nLineInput(lines = 1): InputDefinition<TextRecord> {
  return { kind: 'text', linesPerSplit: lines }
}

/**
 * Lines divided in two at the first separator, as Hadoop's KeyValueTextInputFormat; a line without one is a
 * key with an empty value.
 */
export function keyValueTextInput(separator = '\t'): InputDefinition<StoredRecordOf<string, string>> {
  return { kind: 'key-value-text', separator }
}

/** The records of MapFiles and SequenceFiles of these classes, outputs of other jobs among them. */
export function recordInput<K, V>(
  key: Writable<K>,
  value: Writable<V>,
): InputDefinition<StoredRecordOf<K, V>> {
  return { kind: 'records', ...classesOf({ key, value }) }
}
