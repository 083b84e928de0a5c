import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runJob } from 'pixelreduce'
import { expect, it } from 'vitest'
import { treeOf } from '../pictures.js'
import { temporaryFolder } from '../temporary-folder.js'

it('spreads keys over the reducers in the order that the job gives', async () => {
  const folder = await temporaryFolder()
  const numbers = Array.from({ length: 600 }, (_, i) => (i * 7919) % 600)
  await writeFile(join(folder, 'in.txt'), numbers.join('\n'))
  await writeFile(
    join(folder, 'descending.ts'),
    `import { defineJob, IntWritable, NullWritable, textInput } from 'pixelreduce'
     export default defineJob({
       name: 'descending',
       input: textInput(),
       shuffle: { key: IntWritable, value: NullWritable, sort: (a, b) => b - a },
       output: { key: IntWritable, value: NullWritable, format: 'text' },
       partition: 'total-order',
       reducers: 3,
       map: (line, { emit }) => emit(Number(line.value), null),
       reduce: (key, values, { emit }) => emit(key, null) })`,
  )
  const output = join(folder, 'out')
  await runJob(join(folder, 'descending.ts'), { input: join(folder, 'in.txt'), output })

  const parts = Object.keys(await treeOf(output)).filter((name) => name.startsWith('part-r-'))
  const texts = await Promise.all(parts.sort().map((name) => readFile(join(output, name), 'utf8')))
  expect(texts.map((text) => text.split('\n').length - 1)).toEqual([200, 200, 200])
  const found = texts.join('').trim().split('\n').map(Number)
  expect(found).toEqual(numbers.sort((a, b) => b - a))
})
