import {
  BytesWritable,
  defineJob,
  hashParams,
  hashRecords,
  imageHash,
  NullWritable,
  nearDuplicates,
  onceEachHash,
  radiusOf,
  radiusParam,
  Text,
  z,
} from 'pixelreduce'

export default defineJob({
  name: 'duplicates',
  description: 'Group the pictures that look alike, as a line of JSON a group.',
  params: z.object({ ...hashParams, radius: radiusParam }),
  shuffle: { key: BytesWritable, value: Text, group: () => 0 },
  output: { key: NullWritable, value: Text, format: 'text' },
  reducers: 1,
  async map(image, { params, emit }) {
    const { hex } = await imageHash(image, params)
    for (const [key, value] of hashRecords(hex, radiusOf(params), image.key)) await emit(key, value)
  },
  combine: onceEachHash,
  // A group may reach over all of the hashes, so one reducer sees them all.
  partition: () => 0,
  async reduce(_key, values, context) {
    const groups = await nearDuplicates(values, radiusOf(context.params), context)
    for (const group of groups) await context.emit(null, JSON.stringify(group))
  },
})
