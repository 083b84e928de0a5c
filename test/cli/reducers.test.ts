import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { manyPictures } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

const keysOf = async (output: string) =>
  jsonLines<{ key: string; part: string }>((await pixelreduce(['ls', output, '--json'])).out)

describe('a job without a reducer', () => {
  it('takes --reducers: its records are spread by the hash of their keys, and sorted', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 60)
    const output = join(folder, 'out')
    expect((await runJobCommand(['pack', '-i', input, '-o', output, '--reducers', '4'])).code).toBe(0)
    const records = await keysOf(output)
    expect(records.map(({ key }) => key).sort()).toHaveLength(60)
    for (const { key, part } of records.slice(0, 8)) {
      expect((await pixelreduce(['get', output, key, '--part-only'])).out.trim()).toBe(part)
    }
    expect((await pixelreduce(['verify', output])).code).toBe(0)
  })

  it('takes --key hash: the MD5 of the name is the key, and the names lie beside', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 20)
    const output = join(folder, 'out')
    const args = ['pack', '-i', input, '-o', output, '--reducers', '2', '--key', 'hash']
    expect((await runJobCommand(args)).code).toBe(0)
    const keys = (await keysOf(output)).map(({ key }) => key)
    const names: [string, string][] = []
    for (const part of ['_names-r-00000', '_names-r-00001']) {
      const { out } = await pixelreduce(['dump', join(output, part)])
      names.push(
        ...jsonLines<{ key: string; value: string }>(out).map(({ key, value }): [string, string] => [
          key,
          value,
        ]),
      )
    }
    expect(names.map(([key]) => key).sort()).toEqual([...keys].sort())
    for (const [key, name] of names) expect(key).toBe(createHash('md5').update(name).digest('hex'))
    expect((await pixelreduce(['verify', output])).code).toBe(0)
  })
})

describe('what a job must not do is named in one message, and leaves no output', () => {
  const source = (body: string) => `
    import { defineJob, IntWritable, Text } from 'pixelreduce'
    export default defineJob({
      name: 'wrong',
      shuffle: { key: Text, value: IntWritable },
      output: { key: Text, value: IntWritable },
      map: (image, { emit }) => emit(image.key, 1),
      reduce: (key, values, { emit }) => emit(key, 1),
      ${body}
    })`

  it.each([
    [
      'a reducer that throws',
      `reduce(key) { if (key.endsWith('p0003.jpg')) throw new Error('no threes') },`,
      /Cannot reduce "set-\d\/p0003.jpg": no threes/,
    ],
    [
      'a combiner that changes the key',
      `combine: (key, values, { emit }) => emit(key + '!', 1),`,
      /combiner emitted another key/,
    ],
    [
      'a partitioner that returns -1',
      'partition: () => -1,',
      /partitioner returned -1, it must be a whole number from 0 to 1/,
    ],
    ['a partitioner that returns NaN', 'partition: () => Number.NaN,', /partitioner returned NaN/],
    [
      'a partitioner that returns too much',
      'partition: (key, value, partitions) => partitions,',
      /partitioner returned 2,/,
    ],
    [
      'values read after reduce has returned',
      `async reduce(key, values, { emit }) { globalThis.old ??= values; if (globalThis.old !== values) await globalThis.old.next(); await emit(key, 1) },`,
      /values of a key can be read only while reduce has not returned/,
    ],
    [
      'a value that its class can not hold',
      `reduce: (key, values, { emit }) => emit(key, 'one'),`,
      /emit can't take "one" for a value/,
    ],
  ] as const)('%s', async (_, body, message) => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 8)
    await writeFile(join(folder, 'wrong.ts'), source(body))
    const output = join(folder, 'out')
    const { code, stderr } = await runJobCommand([
      join(folder, 'wrong.ts'),
      '-i',
      input,
      '-o',
      output,
      '--reducers',
      '2',
    ])
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)])
    expect((await pixelreduce(['ls', output])).code).toBe(2)
  })

  it('refuses no reducers, a tiny sort buffer and an unknown codec', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 2)
    for (const [args, message] of [
      [['--reducers', '0'], /whole number above 0/],
      [['--reducers', '1', '--sort-buffer', '1K'], /sort buffer is 1024/],
      [['--reducers', '1', '--map-output-codec', 'rar'], /codec of the map output is rar/],
    ] as const) {
      const { code, stderr } = await runJobCommand(['pack', '-i', input, '-o', join(folder, 'out'), ...args])
      expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
    }
  })

  it('sorts keys that a reducer emits out of order rather than refuse them', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 30)
    await writeFile(
      join(folder, 'reversed.ts'),
      source(`reduce: (key, values, { emit }) => emit([...key].reverse().join(''), 1),`).replace(
        'wrong',
        'reversed',
      ),
    )
    const output = join(folder, 'out')
    const { code, stderr } = await runJobCommand([join(folder, 'reversed.ts'), '-i', input, '-o', output])
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    const keys = (await keysOf(output)).map(({ key }) => key)
    expect(keys).toEqual([...keys].sort())
    expect(keys).toHaveLength(30)
  })
})
