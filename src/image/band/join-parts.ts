import { PictureError } from '../../errors.js'
import { type BandPart, decodePart } from './band-part.js'
import { type JoinedPicture, rowBytesOf } from './band-rows.js'

/** A picture of which a band is missing, because it could not be worked on. */
export class IncompletePictureError extends PictureError {}

/** A picture whose parts are being read. */
export interface JoiningPicture extends JoinedPicture {
  /** Reads what is left of the rows. @throws IncompletePictureError when some are missing. */
  finish(): Promise<void>
}

/**
 * Puts a picture's parts together, as they come, a part in memory at a time.
 * @param parts of one picture in the order of {@link bandParts}, those of the upper bands first.
 * @throws IncompletePictureError, here or while its rows are read, when a band is missing.
 */
export async function joinParts(key: string, parts: AsyncIterable<Uint8Array>): Promise<JoiningPicture> {
  const reading = parts[Symbol.asyncIterator]()
  const read = async (): Promise<BandPart | undefined> => {
    const { done, value } = await reading.next()
    return done ? undefined : decodePart(value)
  }
  const ahead: Uint8Array[] = []
  let head = await read()
  for (; head && head.top === undefined; head = await read()) {
    if (head.index !== ahead.length) throw incomplete(key, ahead.length)
    ahead.push(Uint8Array.from(head.data))
  }
  if (!head) throw incomplete(key, 0)
  if (ahead.length > 0 && ahead.length !== head.count) throw incomplete(key, ahead.length)
  const { width, height, channels, bits } = head
  const rows = rowsFrom(head)
  return {
    key,
    width,
    height,
    channels,
    bits,
    ahead,
    rows,
    async finish() {
      for await (const _ of rows);
    },
  }

  async function* rowsFrom(first: BandPart): AsyncGenerator<Uint8Array> {
    const rowBytes = rowBytesOf(first)
    let band = -1
    let row = 0
    for (let part: BandPart | undefined = first; part; part = await read()) {
      if (part.index !== band && part.index !== band + 1) throw incomplete(key, band + 1)
      band = part.index
      if (part.top !== row) throw incomplete(key, band - 1)
      row += part.data.length / rowBytes
      if (part.data.length > 0) yield part.data
    }
    if (band !== first.count - 1 || row !== height) throw incomplete(key, band + 1)
  }
}

function incomplete(key: string, band: number): IncompletePictureError {
  return new IncompletePictureError(`Cannot join the bands of "${key}": band ${band} is missing`, {
    details: { key, band },
  })
}
