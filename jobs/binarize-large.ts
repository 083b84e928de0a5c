import {
  BAND_METHODS,
  bandedPictures,
  bandParams,
  bandShuffle,
  binarizeBand,
  binarizeOverlap,
  defineJob,
  emitBand,
  encodeBinarized,
  joinBands,
  partitionByFirst,
  thresholdParams,
  z,
} from 'pixelreduce'

const params = z.object({
  ...bandParams,
  method: z.enum(BAND_METHODS).default('otsu').describe('how the threshold is found'),
  ...thresholdParams,
})

export default defineJob({
  name: 'binarize-large',
  description: 'Turn every picture black and white; those of many pixels are worked on by many tasks.',
  params,
  input: bandedPictures({ params, overlap: binarizeOverlap }),
  shuffle: bandShuffle,
  partition: partitionByFirst,
  async map(image, { params, emit }) {
    await emitBand(image, await binarizeBand(image, params), emit)
  },
  reduce: joinBands(params, encodeBinarized),
})
