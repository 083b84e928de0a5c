import {
  BytesWritable,
  contactSheets,
  defineJob,
  groupByFirst,
  groupOf,
  groupParam,
  inGroup,
  partitionByFirst,
  splitTextPair,
  Text,
  textPair,
  thumbnail,
  z,
} from 'pixelreduce'

export default defineJob({
  name: 'contact-sheet',
  description: 'Lay the pictures of each group out in grids, in the order of their keys.',
  params: z.object({
    group: groupParam,
    columns: z.number().int().min(1).max(32).default(6).describe('pictures side by side'),
    rows: z.number().int().min(1).max(32).default(8).describe('rows after which the next sheet begins'),
    cell: z.number().int().min(8).max(500).default(160).describe('square that holds a picture, in pixels'),
    labels: z.boolean().default(false).describe("write each picture's name below it"),
    background: z.string().default('white').describe('CSS colour of the sheet'),
    format: z.enum(['jpeg', 'png', 'webp', 'avif']).default('jpeg').describe('format of the sheets'),
    quality: z.number().int().min(1).max(100).default(80).describe('quality of JPEG, WebP and AVIF'),
  }),
  shuffle: { key: Text, value: BytesWritable, group: groupByFirst },
  async map(image, { params, emit }) {
    const { cell: size, background } = params
    const small = await thumbnail(image, { size, background, format: 'png' })
    await emit(textPair(groupOf(image.key, params.group), image.key), small)
  },
  partition: partitionByFirst,
  async reduce(key, values, context) {
    const [group] = splitTextPair(key)
    async function* labelled() {
      for await (const bytes of values) {
        const [, name] = splitTextPair(Text.decode(context.currentKey))
        yield { label: name.slice(name.lastIndexOf('/') + 1), bytes }
      }
    }
    let number = 0
    for await (const sheet of contactSheets(labelled(), context.params)) {
      await context.emit(inGroup(group, `sheet-${String(++number).padStart(4, '0')}`), sheet)
    }
  },
})
