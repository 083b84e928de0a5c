/**
 * Points on the unit circle, `[cos, sin]` of 2 pi index / points, for an index of 0 to points.
 *
 * With the rounding errors of pocketfft, on which SciPy's transforms stand, and not one more or less: points are
 * products of one in a table of the first few and one in a table of every so many-th, each correctly rounded.
 * JavaScript's own `cos` and `sin` are off in the last bit now and then, on one engine at other angles than another.
 */
export function unitCircle(points: number): (index: number) => readonly [cosine: number, sine: number] {
  const needed = Math.floor(points / 2) + 1
  let bits = 1
  while (4 ** bits < needed) bits++
  const fineCount = 2 ** bits
  const fine = Array.from({ length: fineCount }, (_, index) => pointAt(index, points))
  const coarse = Array.from({ length: Math.ceil(needed / fineCount) }, (_, index) =>
    pointAt(index * fineCount, points),
  )
  return (index) => {
    const isUpper = 2 * index <= points
    const at = isUpper ? index : points - index
    const [fineCosine, fineSine] = fine[at % fineCount]!
    const [coarseCosine, coarseSine] = coarse[Math.floor(at / fineCount)]!
    const cosine = fineCosine * coarseCosine - fineSine * coarseSine
    const sine = fineCosine * coarseSine + fineSine * coarseCosine
    return isUpper ? [cosine, sine] : [cosine, -sine]
  }
}

/** A point of the upper half, from the angle in the first octant that is its mirror image. */
function pointAt(index: number, points: number): readonly [number, number] {
  const eighth = Math.PI / 4 / points
  const quarter = 2 * points
  const turned = index * 8
  const within = turned % quarter
  const isNear = within < points
  const [cosine, sine] = cosineAndSine((isNear ? within : quarter - within) * eighth)
  const [x, y] = isNear ? [cosine, sine] : [sine, cosine]
  if (turned === 2 * quarter) return [-1, 0]
  return turned < quarter ? [x, y] : [-y, x]
}

const FRACTION_BITS = 120

/** Correctly rounded, of an angle from 0 to pi / 4: their Taylor series in whole numbers. */
function cosineAndSine(angle: number): readonly [number, number] {
  const one = 1n << BigInt(FRACTION_BITS)
  const x = BigInt(angle * 2 ** FRACTION_BITS)
  const sums = [0n, 0n]
  for (let power = 0n, term = one; term !== 0n; power++, term = (term * x) / one / power) {
    const isAdded = power % 4n < 2n
    sums[Number(power % 2n)]! += isAdded ? term : -term
  }
  return [Number(sums[0]) / 2 ** FRACTION_BITS, Number(sums[1]) / 2 ** FRACTION_BITS]
}
