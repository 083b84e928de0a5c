import { crop, defineJob, encodingParams, z } from 'pixelreduce'

const pixels = z.number().int().min(1).max(65535)
const edge = z.number().int().min(0).optional()

export default defineJob({
  name: 'crop',
  description: 'Cut a box out of every picture.',
  params: z
    .object({
      width: pixels.describe('width of the box, in pixels'),
      height: pixels.describe('height of the box, in pixels'),
      left: edge.describe('left edge of the box, in pixels'),
      top: edge.describe('upper edge of the box, in pixels'),
      position: z
        .enum(['centre', 'attention', 'entropy'])
        .default('centre')
        .describe('where a box without edges lies'),
      clip: z.boolean().default(false).describe('of a box that goes beyond the picture take the part inside'),
      ...encodingParams,
    })
    .refine(({ left, top, position }) => position === 'centre' || (left === undefined && top === undefined), {
      path: ['position'],
      message: 'expected none beside --left and --top',
    }),
  async map(image, { params, emit }) {
    await emit(image.key, await crop(image, params))
  },
})
