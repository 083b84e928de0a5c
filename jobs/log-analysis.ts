import {
  addPackedIntegers,
  BytesWritable,
  defineJob,
  packIntegers,
  parseAccessLogLine,
  sumPackedIntegers,
  Text,
  textInput,
} from 'pixelreduce'

export default defineJob({
  name: 'log-analysis',
  description: 'Count the calls and bytes of each application and API from web access logs.',
  input: textInput(),
  shuffle: { key: Text, value: BytesWritable },
  output: { key: Text, value: Text, format: 'text' },
  reducers: 2,
  async map(line, { emit, counter }) {
    const parsed = parseAccessLogLine(line.value)
    if (!parsed) throw new Error('it is no line of an access log')
    const { call, bytes } = parsed
    if (!call) return counter('log-analysis', 'NO_HTTP_REQUEST').increment()
    const oneCall = packIntegers([1, bytes])
    await emit(`application\t${call.application}`, oneCall)
    await emit(`api\t${call.api}`, oneCall)
  },
  combine: sumPackedIntegers,
  partition: (key) => (key.startsWith('application\t') ? 0 : 1),
  async reduce(key, values, { emit }) {
    const [calls, bytes] = await addPackedIntegers(values)
    await emit(key, `${calls}\t${bytes}`)
  },
})
