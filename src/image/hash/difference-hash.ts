/** The size that the picture is shrunk to: a row has one sample more than bits. */
export function differenceSize(hashSize: number): [width: number, height: number] {
  return [hashSize + 1, hashSize]
}

/**
 * A bit for each pair of neighbours in a row: 1 where the right one is brighter.
 *
 * N. Krawetz, Kind of Like That, hackerfactor.com (2013): dHash; with the bits of ImageHash's `dhash`.
 * @param luma of {@link differenceSize}, row by row
 */
export function differenceBits(luma: Uint8Array, hashSize: number): boolean[] {
  const bits: boolean[] = []
  for (let row = 0; row < hashSize; row++) {
    const left = row * (hashSize + 1)
    for (let column = 0; column < hashSize; column++) {
      bits.push(luma[left + column + 1]! > luma[left + column]!)
    }
  }
  return bits
}
