import { type Band, bandName, storedRows, wholeBand } from '../../image/band/band.js'
import type { ImageLimits } from '../../image/limits.js'
import { Picture } from '../../image/picture.js'
import type { InputRecord, PictureBandsSplit, ReadContext, RecordReader } from './input-format.js'
import { type BandSource, openBandSource } from './picture-band-source.js'
import { bandsOf, placeOf, shareOf } from './picture-bands.js'

/** Decoded pixels, and as many again: a band comes as a picture of its rows, mostly uncompressed. */
const COPIES = 2

/**
 * Reads the bands of a split. A band is read when its turn in `map` has come, so that as much is in memory as is
 * worked on, and what a damaged one does to its process is known to be its doing.
 */
export function readPictureBands(split: PictureBandsSplit, context: ReadContext): RecordReader {
  const bands = bandsOf(split)
  const { key, value, layout } = split
  let source: Promise<BandSource> | undefined
  const reading = new Set<Promise<unknown>>()
  let current: InputRecord | undefined
  let next = 0

  async function read(band: Band, limits: ImageLimits): Promise<Picture> {
    source ??= openBandSource(split, bands, context, limits)
    // Another attempt of this one's may find what this one did not.
    source.catch(() => {
      source = undefined
    })
    const bytes = await (await source).read(band)
    return new Picture(key, bytes, limits, band)
  }

  function recordOf(band: Band): InputRecord {
    const rows = storedRows(layout, band)
    return {
      key: Buffer.from(bandName(key, band.index)),
      // What the quarantine keeps: not the bytes of the picture, once for each band.
      value: Buffer.from(`${JSON.stringify(noteOf(key, band))}\n`),
      valueBytes: shareOf(value.length, band.index, band.count),
      decodedBytes: COPIES * (rows.end - rows.start) * layout.width * split.bytesOfPixel,
      open(limits) {
        const opening = read(band, limits)
        reading.add(opening)
        opening.then(
          () => reading.delete(opening),
          () => reading.delete(opening),
        )
        return opening
      },
    }
  }

  return {
    async fill() {
      context.signal.throwIfAborted()
      if (next === bands.length) return false
      current = recordOf(bands[next++]!)
      return true
    },
    next() {
      const record = current
      current = undefined
      return record
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(reading)
      const opened = await source?.catch(() => undefined)
      await opened?.[Symbol.asyncDispose]()
    },
  }
}

/** What tells people where a band that was set aside came from. */
function noteOf(picture: string, { index, count, top, bottom }: Band) {
  return { picture, band: index, of: count, rows: [top, bottom] }
}

/** The records of any other split, each picture with its band: all of it. */
export function wholePictures(reader: RecordReader, split: { input?: number; start: number }): RecordReader {
  let ordinal = 0
  return {
    fill: () => reader.fill(),
    next() {
      const record = reader.next()
      if (!record) return undefined
      const place = placeOf(split, ordinal++)
      return record.problem ? record : { ...record, open: (limits) => openWhole(record, place, limits) }
    },
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  }
}

async function openWhole({ key, value }: InputRecord, place: string, limits: ImageLimits): Promise<Picture> {
  const picture = new Picture(Buffer.from(key).toString('utf8'), value, limits)
  const { autoOrient } = await picture.metadata()
  return new Picture(picture.key, value, limits, wholeBand(place, autoOrient.width, autoOrient.height))
}
