import { defineJob, NullWritable, Text, textInput } from 'pixelreduce'

/** Sorts lines: nothing is reduced, and the parts in their order are the whole in its order. */
export default defineJob({
  name: 'sort',
  input: textInput(),
  output: { key: Text, value: NullWritable, format: 'text' },
  partition: 'total-order',
  reducers: 2,
  map(line, { emit }) {
    emit(line.value, null)
  },
})
