/** Of rows that are worked on at once; so many and their neighbours are in memory. */
const BLOCK_PIXELS = 2 ** 22

/**
 * Rows of a byte a pixel in blocks, each with `reach` rows above and below it as far as there are any: its own are
 * [start, end) of `data`.
 */
export async function* withNeighbours(
  rows: AsyncIterable<Uint8Array>,
  { width, height }: { width: number; height: number },
  reach: number,
  blockPixels = BLOCK_PIXELS,
): AsyncGenerator<{ data: Uint8Array; start: number; end: number }> {
  const blockRows = Math.max(reach, Math.ceil(blockPixels / width))
  let held: Uint8Array[] = []
  let heldTop = 0
  let heldBottom = 0
  let next = 0
  for await (const some of rows) {
    held.push(Uint8Array.from(some))
    heldBottom += some.length / width
    while (next + blockRows + reach <= heldBottom && heldBottom < height) yield block(next + blockRows)
  }
  while (next < height) yield block(Math.min(height, next + blockRows))

  function block(bottom: number) {
    const data = Buffer.concat(held)
    const own = { start: next - heldTop, end: bottom - heldTop }
    const end = Math.min(heldBottom, bottom + reach) - heldTop
    const read = data.subarray(0, end * width)
    next = bottom
    const kept = Math.max(0, next - reach)
    held = [data.subarray((kept - heldTop) * width)]
    heldTop = kept
    return { data: read, ...own }
  }
}
