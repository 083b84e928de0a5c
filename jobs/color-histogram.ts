import {
  addPackedIntegers,
  BytesWritable,
  colorHistogram,
  defineJob,
  groupOf,
  groupParam,
  histogramSummand,
  inGroup,
  NullWritable,
  packIntegers,
  plotHistogram,
  sumPackedIntegers,
  Text,
  z,
} from 'pixelreduce'

export default defineJob({
  name: 'color-histogram',
  description: 'Count how bright the red, green and blue of each group are, as a line of JSON.',
  params: z.object({
    group: groupParam,
    bins: z.number().int().min(1).max(256).default(16).describe('bins of a channel'),
    plot: z.boolean().default(false).describe('draw each histogram too, to the output "plot"'),
  }),
  shuffle: { key: Text, value: BytesWritable },
  output: { key: NullWritable, value: Text, format: 'text' },
  outputs: { plot: { key: Text, value: BytesWritable } },
  async map(image, { params, emit }) {
    await emit(groupOf(image.key, params.group), packIntegers(await histogramSummand(image, params.bins)))
  },
  combine: sumPackedIntegers,
  async reduce(group, values, { params, emit, emitTo }) {
    const histogram = colorHistogram(await addPackedIntegers(values))
    await emit(null, JSON.stringify({ group, ...histogram }))
    if (params.plot) await emitTo('plot', inGroup(group, 'histogram'), await plotHistogram(histogram))
  },
})
