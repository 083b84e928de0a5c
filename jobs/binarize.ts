import { binarize, binarizeParams, defineJob, z } from 'pixelreduce'

export default defineJob({
  name: 'binarize',
  description: 'Turn every picture black and white, one bit a pixel.',
  params: z.object(binarizeParams),
  async map(image, { params, emit }) {
    await emit(image.key, await binarize(image, params))
  },
})
