/** The size that the picture is shrunk to: a sample for each bit. */
export function averageSize(hashSize: number): [width: number, height: number] {
  return [hashSize, hashSize]
}

/**
 * A bit for each sample: 1 where it is above the mean of all.
 *
 * N. Krawetz, Looks Like It, hackerfactor.com (2011): aHash; with the bits of ImageHash's `average_hash`.
 * @param luma of {@link averageSize}, row by row
 */
export function averageBits(luma: Uint8Array): boolean[] {
  const mean = luma.reduce((sum, sample) => sum + sample, 0) / luma.length
  return Array.from(luma, (sample) => sample > mean)
}
