import { defineJob, hashParams, imageHash, Text, z } from 'pixelreduce'

export default defineJob({
  name: 'phash',
  description: 'Hash pictures so that those that look alike have hashes of few different bits.',
  params: z.object({
    ...hashParams,
    quality: z.boolean().default(false).describe("write pdq's quality behind the hash, 0 to 100"),
  }),
  output: { key: Text, value: Text },
  async map(image, { params, emit }) {
    const { hex, quality } = await imageHash(image, params)
    await emit(image.key, params.quality && quality !== undefined ? `${hex} ${quality}` : hex)
  },
})
