/**
 * The threshold that best separates a picture's greys into those above it and the others: where the variance between
 * the two classes is largest,
 *
 *     (mean w - moment)^2 / (w (1 - w))
 *
 * with w the share of the pixels up to the threshold, `moment` their part of the mean of all. N. Otsu, A threshold
 * selection method from gray-level histograms, IEEE Trans. SMC 9 (1979), equation 18. Of thresholds that separate as
 * well, such as those in a gap of the histogram, it is the lowest.
 * @param histogram how many pixels have each grey, as {@link greyHistogram} counts them
 * @returns 0 to 255; 0 where there is one grey only.
 */
export function otsuThreshold(histogram: ArrayLike<number>): number {
  let pixels = 0
  let total = 0
  for (let grey = 0; grey < histogram.length; grey++) {
    pixels += histogram[grey]!
    total += grey * histogram[grey]!
  }
  const mean = total / pixels
  let threshold = 0
  let largest = 0
  let below = 0
  let sumBelow = 0
  for (let grey = 0; grey < histogram.length; grey++) {
    below += histogram[grey]!
    sumBelow += grey * histogram[grey]!
    if (below === 0) continue
    if (below === pixels) break
    const variance = (mean * below - sumBelow) ** 2 / (below * (pixels - below))
    if (variance > largest) {
      largest = variance
      threshold = grey
    }
  }
  return threshold
}
