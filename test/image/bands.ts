import { type Band, bandAt, bandCount, layBands, storedRows } from '../../src/image/band/band.js'
import { bandParts, encodePart } from '../../src/image/band/band-part.js'
import type { BandRows, JoinedPicture } from '../../src/image/band/band-rows.js'
import { joinParts } from '../../src/image/band/join-parts.js'
import { memoryReader } from '../../src/image/band/range-reader.js'
import { cutTiff, openTiffRows } from '../../src/image/band/tiff-rows.js'
import { DEFAULT_LIMITS } from '../../src/image/limits.js'
import { Picture } from '../../src/image/picture.js'

export interface Bands {
  bandPixels: number
  overlap: number
  map(picture: Picture & { band: Band }): Promise<BandRows>
}

/** Cuts a TIFF into bands, maps each and joins what they became, as a job does. */
export async function throughBands<T>(
  tiff: Uint8Array,
  { bandPixels, overlap, map }: Bands,
  encode: (picture: JoinedPicture) => Promise<T>,
): Promise<T> {
  const rows = (await openTiffRows(memoryReader(tiff)))!
  const layout = layBands({ ...rows, isUpsideDown: false }, bandPixels, overlap)
  async function* parts(): AsyncGenerator<Uint8Array> {
    const ahead: Uint8Array[] = []
    const later: Uint8Array[] = []
    for (let index = 0; index < bandCount(layout); index++) {
      const band = bandAt(layout, index, '')
      const bytes = await cutTiff('whole.tif', rows, storedRows(layout, band), 1)
      const picture = new Picture('whole.tif', bytes, DEFAULT_LIMITS, band) as Picture & { band: Band }
      for (const part of bandParts(band, await map(picture))) {
        const list = part.top === undefined ? ahead : later
        list.push(encodePart(part))
      }
    }
    yield* ahead
    yield* later
  }
  const picture = await joinParts('whole.tif', parts())
  const result = await encode(picture)
  await picture.finish()
  return result
}

/** The rows of a joined picture, one after the other. */
export async function rowsOf(picture: JoinedPicture): Promise<Buffer> {
  const rows: Uint8Array[] = []
  for await (const some of picture.rows) rows.push(Uint8Array.from(some))
  return Buffer.concat(rows)
}
