import { once } from 'node:events'
import { createDeflate } from 'node:zlib'
import { DEFLATE_1_BIT, FILTER_UP, png1Bit } from '../png-1bit.js'

/**
 * Encodes rows of bits as {@link encodePng1Bit} encodes the pixels, to the same bytes, while they come: what is held
 * is the PNG.
 * @param rows whole rows, the leftmost pixel in a byte's highest bit, padded with 0
 */
export async function encodePng1BitRows(
  width: number,
  height: number,
  rows: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  const rowBytes = Math.ceil(width / 8)
  const deflate = createDeflate(DEFLATE_1_BIT)
  const deflated: Uint8Array[] = []
  deflate.on('data', (bytes: Uint8Array) => deflated.push(bytes))
  const ended = once(deflate, 'end')
  // It is awaited at the end; where the rows fail nobody does.
  ended.catch(() => {})
  let above: Uint8Array = new Uint8Array(rowBytes)
  try {
    for await (const some of rows) {
      const filtered = new Uint8Array((some.length / rowBytes) * (1 + rowBytes))
      for (let from = 0, to = 0; from < some.length; from += rowBytes) {
        filtered[to++] = FILTER_UP
        const row = some.subarray(from, from + rowBytes)
        for (let at = 0; at < rowBytes; at++) filtered[to++] = row[at]! - above[at]!
        above = row
      }
      above = above.slice()
      await new Promise<void>((resolve, reject) => {
        deflate.write(filtered, (error) => (error ? reject(error) : resolve()))
      })
    }
    deflate.end()
    await ended
  } finally {
    deflate.destroy()
  }
  return png1Bit(width, height, Buffer.concat(deflated))
}
