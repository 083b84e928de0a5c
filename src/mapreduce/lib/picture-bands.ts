import type { z } from 'zod'
import { bandParts, encodePart } from '../../image/band/band-part.js'
import type { BandRows, JoinedPicture } from '../../image/band/band-rows.js'
import { IncompletePictureError, joinParts } from '../../image/band/join-parts.js'
import { BytesWritable, Text } from '../../io/writables/index.js'
import type { BandPicture } from '../input/input-definition.js'
import type { MapContext, ReduceContext, ShuffleDefinition } from '../job.js'
import { splitTextPair, textPair } from './text-pair.js'

/*
 * Keys of what bands send to where they are joined: a pair of the picture's key, by which `partitionByFirst` spreads
 * them, and
 *
 *   place of the picture in the input, NUL, 'a' for what goes ahead or 'b' for rows, band, '.', part
 *
 * so that all that belongs to a picture comes together, what goes ahead first, then its rows from the top.
 */
const BETWEEN = '\0'
const AHEAD = 'a'
const ROWS = 'b'

function bandKey({ key, band }: BandPicture, kind: string, part: number): string {
  const digits = (value: number) => String(value).padStart(7, '0')
  return textPair(key, `${band.place}${BETWEEN}${kind}${digits(band.index)}.${digits(part)}`)
}

/** Of the bands of a job that joins them: one call of `reduce` for each picture. */
export const bandShuffle: ShuffleDefinition<string, Uint8Array> = {
  key: Text,
  value: BytesWritable,
  group(a, b) {
    const [picture, other] = [pictureIn(a), pictureIn(b)]
    return picture < other ? -1 : picture > other ? 1 : 0
  },
}

function pictureIn(key: string): string {
  return key.slice(0, key.lastIndexOf(BETWEEN))
}

/** Sends what has become of a band's own rows to where the bands are joined. */
export async function emitBand(
  picture: BandPicture,
  rows: BandRows,
  emit: MapContext<unknown>['emit'],
): Promise<void> {
  let number = 0
  for (const part of bandParts(picture.band, rows)) {
    await emit(bandKey(picture, part.top === undefined ? AHEAD : ROWS, number++), encodePart(part))
  }
}

/**
 * A `reduce` that puts the bands of a picture together, a few rows in memory at a time. One of which a band was set
 * aside is left out and counted; the band is in the quarantine with its reason.
 * @param params the job's
 * @param encode makes the picture of its rows, as it is to be stored
 */
export function joinBands<S extends z.ZodObject>(
  _params: S,
  encode: (picture: JoinedPicture, params: z.infer<S>) => Promise<Uint8Array>,
) {
  return async (
    pair: string,
    values: AsyncIterable<Uint8Array>,
    { params, emit, counter, progress }: ReduceContext<z.infer<S>>,
  ): Promise<void> => {
    const [key] = splitTextPair(pair)
    try {
      const picture = await joinParts(key, telling(values, progress))
      const bytes = await encode(picture, params)
      await picture.finish()
      await emit(key, bytes)
    } catch (error) {
      if (!(error instanceof IncompletePictureError)) throw error
      counter('Bands', 'Pictures left incomplete').increment()
    }
  }
}

/** A picture is one key, and its bands may take long. */
async function* telling(values: AsyncIterable<Uint8Array>, progress: () => void): AsyncGenerator<Uint8Array> {
  for await (const value of values) {
    progress()
    yield value
  }
}
