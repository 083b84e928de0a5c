import type { BandLayout } from '../../image/band/band.js'
import type { ImageLimits } from '../../image/limits.js'
import type { Picture } from '../../image/picture.js'
import type { InputDefinition } from './input-definition.js'

/**
 * A piece of the input, as plain JSON: what one map task reads. `path` and `listing` are URIs, so that a
 * task can open them wherever it runs.
 */
export type InputSplit =
  | PictureFilesSplit
  | PictureBandsSplit
  | SequenceFileSplit
  | MapFileSplit
  | TextSplit
  | TextFilesSplit

interface SplitSize {
  /** Bytes to read, about; tasks are balanced by it. */
  length: number
  /** Records in the split, where the plan can know. */
  records?: number
  /** Where the bytes lie, best first. */
  hosts: readonly string[]
  /** The only records to read, by their keys; see only-records.ts. @default all */
  only?: readonly string[]
  /** Number of the input, of a job that cuts pictures into bands: places in it begin with it. */
  input?: number
}

/** Small files combined: the lines in bytes [start, end) of a listing that the plan wrote. */
export interface PictureFilesSplit extends SplitSize {
  kind: 'picture-files'
  /** The folder that keys are relative to. */
  path: string
  listing: string
  start: number
  end: number
}

/** Neighbouring bands of one picture of many pixels, each a record; see picture-bands.ts. */
export interface PictureBandsSplit extends SplitSize {
  kind: 'picture-bands'
  /** The folder or the MapFile in which the picture is, and in which of the two. */
  path: string
  of: 'picture-files' | 'map-file'
  /** Where its record is: bytes of the listing, or of the MapFile's data. */
  start: number
  end: number
  key: string
  /** The encoded picture, in bytes of its file or of the MapFile's data. */
  value: { start: number; length: number }
  layout: BandLayout
  /** EXIF's: 1 to 4. */
  orientation: number
  /** Whether any rows can be read, or only all from the top on. */
  access: 'rows' | 'top-down'
  bytesOfPixel: number
  /** Bands, by their numbers: [first, next). */
  first: number
  next: number
}

/** The records of a SequenceFile that begin in [start, end), as Hadoop divides them at sync markers. */
export interface SequenceFileSplit extends SplitSize {
  kind: 'sequence-file'
  path: string
  start: number
  end: number
}

/** The records of a MapFile's data in [start, end), both of them positions that its index names. */
export interface MapFileSplit extends SplitSize {
  kind: 'map-file'
  /** The MapFile's folder. */
  path: string
  start: number
  end: number
}

/**
 * The lines of a text file that begin in (start, end], of a compressed one in the text that it holds; from 0
 * on the first line too. See io/text/line-reader.ts.
 */
export interface TextSplit extends SplitSize {
  kind: 'text'
  path: string
  start: number
  end: number
  /** A line of this split begins at its very start. @default only at 0 */
  beginsWithLine?: boolean
}

/** Text files combined, each whole: the lines in bytes [start, end) of a listing that the plan wrote. */
export interface TextFilesSplit extends SplitSize {
  kind: 'text-files'
  /** The folder that the listing's names are relative to. */
  path: string
  listing: string
  start: number
  end: number
}

/** One input of a job, opened for planning. */
export interface JobInput {
  readonly uri: string
  /** What it is, in words for the plan and for messages. */
  readonly kind: InputSplit['kind']
  readonly totalBytes: number
  /**
   * What identifies the data whatever it is called and wherever it lies: keys, lengths, sync markers. The
   * output's sync marker derives from it.
   */
  readonly fingerprint: string
  /** Splits of about `splitBytes`, in the order of the input. They follow from the data alone. */
  getSplits(splitBytes: number): AsyncIterable<InputSplit>
}

/** A record as a reader delivers it. Key and value of what is no picture may be made when they are asked for. */
export interface InputRecord {
  /** UTF-8 of what a record is called in messages and in the quarantine; of a picture its key. */
  readonly key: Uint8Array
  /** What the quarantine keeps of it. */
  readonly value: Uint8Array
  /** Bytes of the value, where that is known without making it. */
  readonly valueBytes?: number
  /** What `map` is called with, where that is not a picture. */
  readonly item?: unknown
  /** Makes the picture that `map` is called with, when its turn has come. @default one of key and value */
  readonly open?: (limits: ImageLimits) => Promise<Picture>
  /** Bytes that the picture may take while it is worked on, where the value does not tell. */
  readonly decodedBytes?: number
  /** Why the record can't be used, where reading it already showed that. */
  readonly problem?: Error
}

/**
 * Delivers the records of a split in order. `next` gives those that are in memory without a promise each;
 * `fill` waits for more and is false at the end.
 */
export interface RecordReader extends AsyncDisposable {
  fill(): Promise<boolean>
  next(): InputRecord | undefined
}

export interface ReadContext {
  /** The job on whose behalf it is read: within one job an input does not change. */
  jobId: string
  /** What the job takes its records for. */
  input: InputDefinition<unknown>
  signal: AbortSignal
  /** Bytes that may be read ahead of the mapper. */
  readAheadBytes: number
}
