import { defineJob, z } from 'pixelreduce'

export default defineJob({
  name: 'grey',
  description: 'Turn every photograph grey.',
  params: z.object({
    quality: z.number().int().min(1).max(100).default(80).describe('JPEG quality'),
  }),
  async map(image, { params, emit }) {
    await emit(image.key, await image.pipeline().greyscale().jpeg({ quality: params.quality }).toBuffer())
  },
})
