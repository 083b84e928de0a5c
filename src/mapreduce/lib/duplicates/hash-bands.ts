/**
 * The bands of a hash, for finding hashes within a radius without comparing all with all: M. Norouzi, A. Punjani,
 * D. Fleet, Fast Search in Hamming Space with Multi-Index Hashing, CVPR (2012). A hash is cut into bands of 16 bits.
 * Of two hashes within the radius at least one band is within that band's tolerance, since otherwise each would add
 * more than its tolerance to their distance: so tolerances are such that these, each plus one, add up to more than the
 * radius.
 */
const BAND_BYTES = 2
export const BAND_VALUES = 2 ** (8 * BAND_BYTES)

/**
 * How many bits of each band may differ. Those that come last are left out where the radius allows it.
 * @param hashBytes length of the hashes
 * @param radius bits in which two hashes may differ
 */
export function bandTolerances(hashBytes: number, radius: number): number[] {
  const bands = Math.min(Math.ceil(hashBytes / BAND_BYTES), radius + 1)
  const each = Math.floor((radius + 1) / bands) - 1
  const onesMore = (radius + 1) % bands
  return Array.from({ length: bands }, (_, band) => each + Number(band < onesMore))
}

/** The bits of a band, the last filled up with zeros. */
export function bandValue(hash: Uint8Array, band: number): number {
  const at = band * BAND_BYTES
  return (hash[at]! << 8) | (hash[at + 1] ?? 0)
}

const recent = new Map<number, readonly number[]>()

/** All differences of two bands that are within the tolerance, 0 among them. */
export function differencesWithin(tolerance: number): readonly number[] {
  const known = recent.get(tolerance)
  if (known) return known
  const differences = [0]
  for (let begin = 0, bits = 0; bits < Math.min(tolerance, 8 * BAND_BYTES); bits++) {
    const end = differences.length
    for (; begin < end; begin++) {
      // Each once: a further bit is set only above those that are set.
      for (let bit = 1; bit < BAND_VALUES; bit <<= 1) {
        if (bit > differences[begin]!) differences.push(differences[begin]! | bit)
      }
    }
  }
  recent.set(tolerance, differences)
  return differences
}
