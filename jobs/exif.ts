import { defineJob, exif, NullWritable, Text, z } from 'pixelreduce'

export default defineJob({
  name: 'exif',
  description: 'Write what EXIF says of every picture as a line of JSON.',
  params: z.object({
    tags: z.array(z.string().min(1)).optional().describe('tags to add by name, as ISO,FNumber, or all'),
  }),
  output: { key: NullWritable, value: Text, format: 'text' },
  async map(image, { params, emit }) {
    await emit(null, JSON.stringify({ key: image.key, ...exif(image, params) }))
  },
})
