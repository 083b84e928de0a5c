import { defineJob, encodingParams, rotate, z } from 'pixelreduce'

export default defineJob({
  name: 'rotate',
  description: 'Turn and mirror every picture; without flags make it upright by its EXIF orientation.',
  params: z.object({
    angle: z.number().min(-360).max(360).default(0).describe('degrees clockwise, of the upright picture'),
    flip: z.boolean().default(false).describe('mirror top to bottom, before it is turned'),
    flop: z.boolean().default(false).describe('mirror left to right, before it is turned'),
    ...encodingParams,
  }),
  async map(image, { params, emit }) {
    await emit(image.key, await rotate(image, params))
  },
})
