import {
  backgroundParam,
  bandedPictures,
  bandParams,
  bandShuffle,
  defineJob,
  emitBand,
  encodeRows,
  joinBands,
  partitionByFirst,
  qualityParam,
  resizeBand,
  resizeOverlap,
  z,
} from 'pixelreduce'

const pixels = z.number().int().min(1).max(65535)
const params = z
  .object({
    ...bandParams,
    width: pixels.optional().describe('width of the box, in pixels (default: as the height makes it)'),
    height: pixels.optional().describe('height of the box, in pixels (default: as the width makes it)'),
    fit: z.enum(['inside', 'fill', 'outside']).default('inside').describe('how the picture meets the box'),
    format: z.enum(['jpeg', 'png', 'webp', 'avif', 'tiff']).default('jpeg').describe('format of the output'),
    quality: qualityParam,
    background: backgroundParam,
  })
  .refine(({ width, height }) => width !== undefined || height !== undefined, {
    message: 'expected --width, --height or both',
  })

export default defineJob({
  name: 'resize-large',
  description: 'Make every picture smaller; those of many pixels are worked on by many tasks.',
  params,
  input: bandedPictures({ params, overlap: resizeOverlap }),
  shuffle: bandShuffle,
  partition: partitionByFirst,
  async map(image, { params, emit }) {
    await emitBand(image, await resizeBand(image, params), emit)
  },
  reduce: joinBands(params, encodeRows),
})
