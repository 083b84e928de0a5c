import { defineJob, NullWritable, stats, Text } from 'pixelreduce'

export default defineJob({
  name: 'stats',
  description: 'Measure every picture: size, brightness, sharpness, exposure, colours, as a line of JSON.',
  output: { key: NullWritable, value: Text, format: 'text' },
  async map(image, { emit }) {
    await emit(null, JSON.stringify({ key: image.key, ...(await stats(image)) }))
  },
})
