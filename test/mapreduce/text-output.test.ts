import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolveUri } from '../../src/fs/resolve.js'
import {
  BooleanWritable,
  BytesWritable,
  DoubleWritable,
  IntWritable,
  LongWritable,
  MapWritable,
  NullWritable,
  Text,
  type Writable,
} from '../../src/io/writables/index.js'
import { TextPart } from '../../src/mapreduce/output/text-part.js'
import { temporaryFolder } from '../temporary-folder.js'

async function written<K, V>(
  format: 'text' | 'jsonl',
  key: Writable<K>,
  value: Writable<V>,
  records: readonly (readonly [K, V])[],
): Promise<string> {
  const { fs, path } = resolveUri(join(await temporaryFolder(), 'part'))
  await using part = await TextPart.create(fs, path, {
    format,
    keyClass: key.className,
    valueClass: value.className,
    syncMarker: '',
    indexInterval: 1,
    compression: 'NONE',
    crc: false,
  })
  for (const [k, v] of records) await part.append(key.encode(k), value.encode(v))
  const report = await part.close()
  expect(report.records).toBe(records.length)
  return readFile(path, 'utf8')
}

describe('Text as an output', () => {
  it('is key, tab and value as Hadoop writes them', async () => {
    expect(await written('text', Text, IntWritable, [['straße', -3]])).toBe('straße\t-3\n')
    expect(await written('text', LongWritable, DoubleWritable, [[2n ** 60n, 0.25]])).toBe(
      '1152921504606846976\t0.25\n',
    )
    expect(await written('text', BooleanWritable, BytesWritable, [[true, Buffer.from('ab')]])).toBe(
      'true\t61 62\n',
    )
  })

  it('leaves out what is a NullWritable, and its tab', async () => {
    expect(await written('text', Text, NullWritable, [['key', null]])).toBe('key\n')
    expect(await written('text', NullWritable, Text, [[null, 'value']])).toBe('value\n')
    expect(await written('text', NullWritable, NullWritable, [[null, null]])).toBe('\n')
  })

  it('keeps bytes of a Text that are no UTF-8', async () => {
    const { fs, path } = resolveUri(join(await temporaryFolder(), 'part'))
    const output = { format: 'text', keyClass: Text.className, valueClass: Text.className } as const
    await using part = await TextPart.create(fs, path, {
      ...output,
      syncMarker: '',
      indexInterval: 1,
      compression: 'NONE',
      crc: false,
    })
    await part.append(Text.fromUtf8(Uint8Array.of(0xff)), Text.encode('v'))
    await part.close()
    expect(await readFile(path)).toEqual(Buffer.from([0xff, 9, 0x76, 10]))
  })

  it.each(['\n', '\r', '\r\n'])('refuses a value with %j in it, which would make two lines', async (end) => {
    await expect(written('text', Text, Text, [['key', `a${end}b`]])).rejects.toThrow(
      /its 1 record makes [23] lines, because a key or value holds a line's end/,
    )
    expect(await written('jsonl', Text, Text, [['key', `a${end}b`]])).toBe(
      `${JSON.stringify({ key: 'key', value: `a${end}b` })}\n`,
    )
  })

  it('is an object a line as JSON', async () => {
    const lines = await written('jsonl', LongWritable, DoubleWritable, [
      [1n, 0.5],
      [2n ** 60n, Number.NaN],
    ])
    expect(lines).toBe('{"key":1,"value":0.5}\n{"key":"1152921504606846976","value":"NaN"}\n')
    expect(await written('jsonl', NullWritable, BytesWritable, [[null, Buffer.from('ab')]])).toBe(
      '{"key":null,"value":"YWI="}\n',
    )
    const entry = { keyClass: Text.className, key: 'a', valueClass: IntWritable.className, value: 1 }
    expect(await written('jsonl', Text, MapWritable, [['k', [entry]]])).toContain('"value":{"map":[')
  })
})
