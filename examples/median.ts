// A filter of one's own over pictures of any size: npx run-job ./examples/median.ts --input scans --size 5
import {
  bandedPictures,
  bandParams,
  bandShuffle,
  defineJob,
  emitBand,
  encodeRows,
  joinBands,
  ownRows,
  partitionByFirst,
  z,
} from 'pixelreduce'

const params = z.object({
  ...bandParams,
  size: z.number().int().min(3).max(51).default(3).describe('side of the square of the median, in pixels'),
})

export default defineJob({
  name: 'median',
  description: 'Give each pixel the median of those around it.',
  params,
  input: bandedPictures({ params, overlap: ({ size }) => Math.ceil(size / 2) }),
  shuffle: bandShuffle,
  partition: partitionByFirst,
  async map(picture, { params, emit }) {
    const filtered = picture.pipeline().flatten({ background: 'white' }).median(params.size)
    const { data, info } = await filtered.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
    await emitBand(picture, ownRows(picture.band, { data, channels: info.channels }), emit)
  },
  reduce: joinBands(params, (picture) => encodeRows(picture, { format: 'png' })),
})
