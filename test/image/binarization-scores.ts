/** How near black and white pixels, 0 and 255, come to the truth. */
export interface BinarizationScores {
  /** Harmonic mean of precision and recall of the black pixels, in percent. */
  readonly fMeasure: number
  /** Peak signal to noise ratio, in decibels; infinite where nothing differs. */
  readonly psnr: number
  /** Distance reciprocal distortion, 0 where nothing differs. */
  readonly drdm: number
}

/**
 * The measures of the document image binarization contests: I. Pratikakis, B. Gatos and K. Ntirogiannis, ICDAR 2013
 * document image binarization contest (DIBCO 2013), equations 1, 3 and 4.
 */
export function scoreBinarization(
  made: Uint8Array,
  truth: Uint8Array,
  width: number,
  height: number,
): BinarizationScores {
  let both = 0
  let onlyMade = 0
  let onlyTruth = 0
  for (let at = 0; at < truth.length; at++) {
    if (made[at] === 0 && truth[at] === 0) both++
    else if (made[at] === 0) onlyMade++
    else if (truth[at] === 0) onlyTruth++
  }
  return {
    fMeasure: (100 * 2 * both) / (2 * both + onlyMade + onlyTruth),
    psnr: 10 * Math.log10(truth.length / (onlyMade + onlyTruth)),
    drdm: distortion(made, truth, width, height) / mixedBlocks(truth, width, height),
  }
}

/**
 * H. Lu, A. C. Kot and Y. Q. Shi, Distance-reciprocal distortion measure for binary document images, IEEE Signal
 * Processing Letters 11 (2004): of each pixel that differs, the true pixels around it that differ from it, weighted.
 */
function distortion(made: Uint8Array, truth: Uint8Array, width: number, height: number): number {
  let sum = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = made[y * width + x]
      if (pixel === truth[y * width + x]) continue
      for (const { across, down, weight } of NEIGHBOURS) {
        const [nearX, nearY] = [x + across, y + down]
        if (nearX < 0 || nearY < 0 || nearX >= width || nearY >= height) continue
        if (truth[nearY * width + nearX] !== pixel) sum += weight
      }
    }
  }
  return sum
}

/** Of 5 x 5 pixels, those around the centre by one over their distance; together 1. */
const NEIGHBOURS = weighNeighbours()

function weighNeighbours() {
  const offsets = [-2, -1, 0, 1, 2]
  const around = offsets.flatMap((down) => offsets.map((across) => ({ across, down })))
  const weighted = around
    .filter(({ across, down }) => across !== 0 || down !== 0)
    .map((offset) => ({ ...offset, weight: 1 / Math.hypot(offset.across, offset.down) }))
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0)
  return weighted.map((neighbour) => ({ ...neighbour, weight: neighbour.weight / total }))
}

/** How many of the whole blocks of 8 x 8 pixels are not of one colour. */
function mixedBlocks(truth: Uint8Array, width: number, height: number): number {
  let mixed = 0
  for (let top = 0; top + BLOCK <= height; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK) {
      let black = 0
      for (let y = top; y < top + BLOCK; y++) {
        for (let x = left; x < left + BLOCK; x++) if (truth[y * width + x] === 0) black++
      }
      if (black > 0 && black < BLOCK * BLOCK) mixed++
    }
  }
  return mixed
}

const BLOCK = 8
