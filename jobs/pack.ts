import { defineJob } from 'pixelreduce'

export default defineJob({
  name: 'pack',
  description: 'Copy pictures as they are into indexed MapFiles.',
  async map(image, { emit }) {
    await emit(image.key, image.bytes)
  },
})
