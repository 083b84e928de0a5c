import {
  BytesWritable,
  defineJob,
  groupByFirst,
  LongWritable,
  partitionByFirst,
  splitTextPair,
  Text,
  textPair,
  z,
} from 'pixelreduce'

/** Keys are `<seconds>/<camera>.jpg`. Newest first for each camera: how many, the newest itself, and the gaps. */
export default defineJob({
  name: 'camera-times',
  params: z.object({ gap: z.number().default(10).describe('seconds without a picture that are a gap') }),
  shuffle: {
    key: Text,
    value: BytesWritable,
    sort(a, b) {
      const [, timeA] = splitTextPair(a)
      const [, timeB] = splitTextPair(b)
      return groupByFirst(a, b) || Number(timeB) - Number(timeA)
    },
    group: groupByFirst,
  },
  output: { key: Text, value: LongWritable, format: 'text' },
  outputs: {
    newest: { key: Text, value: BytesWritable },
    gaps: { key: Text, value: LongWritable, format: 'jsonl' },
  },
  async map(image, { emit }) {
    const [time, camera] = image.key.replace('.jpg', '').split('/')
    await emit(textPair(camera!, time!), image.bytes)
  },
  partition: partitionByFirst,
  async reduce(key, values, context) {
    const [camera, newest] = splitTextPair(key)
    let count = 0n
    let later = Number(newest)
    for await (const bytes of values) {
      const time = Number(splitTextPair(Text.decode(context.currentKey))[1])
      if (count++ === 0n) await context.emitTo('newest', camera, bytes)
      if (later - time >= context.params.gap) await context.emitTo('gaps', camera, BigInt(later - time))
      later = time
    }
    await context.emit(camera, count)
  },
})
