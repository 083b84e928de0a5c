import {
  addPackedIntegers,
  BytesWritable,
  defineJob,
  groupOf,
  groupParam,
  inGroup,
  meanPicture,
  meanSummand,
  packIntegers,
  sumPackedIntegers,
  Text,
  z,
} from 'pixelreduce'

export default defineJob({
  name: 'mean-image',
  description: 'Make the mean of the pictures of each group, as a PNG.',
  params: z.object({
    group: groupParam,
    width: z.number().int().min(1).max(4096).default(256).describe('width of the mean, in pixels'),
    height: z.number().int().min(1).max(4096).default(256).describe('height of the mean, in pixels'),
    fit: z.enum(['fill', 'cover']).default('fill').describe('stretch pictures to that size, or crop them'),
  }),
  shuffle: { key: Text, value: BytesWritable },
  async map(image, { params, emit }) {
    await emit(groupOf(image.key, params.group), packIntegers(await meanSummand(image, params)))
  },
  combine: sumPackedIntegers,
  async reduce(group, values, { params, emit }) {
    await emit(inGroup(group, 'mean'), await meanPicture(await addPackedIntegers(values), params))
  },
})
