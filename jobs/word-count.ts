import { defineJob, LongWritable, sumLongs, Text, textInput } from 'pixelreduce'

export default defineJob({
  name: 'word-count',
  description: 'Count the words of text files, separated by white space.',
  input: textInput(),
  shuffle: { key: Text, value: LongWritable },
  output: { key: Text, value: LongWritable },
  async map(line, { emit }) {
    for (const [word] of line.value.matchAll(/\S+/g)) await emit(word, 1n)
  },
  combine: sumLongs,
  reduce: sumLongs,
})
