import { binarize, defineJob, z } from 'pixelreduce'

export default defineJob({
  name: 'binarize',
  description: 'Turn every picture black and white, as a PNG of one bit a pixel.',
  params: z.object({
    method: z.enum(['otsu']).default('otsu').describe('how the threshold is found'),
  }),
  async map(image, { params, emit }) {
    await emit(image.key, await binarize(image, params))
  },
})
