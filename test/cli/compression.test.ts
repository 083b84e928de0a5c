import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { manyPictures, treeOf } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

const CODECS = {
  default: 'DefaultCodec',
  deflate: 'DeflateCodec',
  gzip: 'GzipCodec',
  snappy: 'SnappyCodec',
  lz4: 'Lz4Codec',
  zstd: 'ZStandardCodec',
}

const packed = async (input: string, output: string, ...flags: string[]) => {
  const result = await pixelreduce(['pack', input, output, ...flags])
  expect(result, result.stderr).toMatchObject({ code: 0 })
  return output
}

const successOf = async (output: string) => JSON.parse(await readFile(join(output, '_SUCCESS'), 'utf8'))

/** The files of an output that must not depend on how it was made. */
async function dataOf(output: string) {
  const files = Object.entries(await treeOf(output))
  return Object.fromEntries(files.filter(([name]) => name.startsWith('part-') || name.startsWith('_quar')))
}

describe.each(['record', 'block'])('pack --compression %s', (mode) => {
  it.each(Object.entries(CODECS))('--codec %s packs what export gives back', async (codec, javaClass) => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 60)
    const flags = ['--compression', mode, '--codec', codec, '--splits', '4', '--index-interval', '7']
    const output = await packed(input, join(folder, 'out'), ...flags)

    await pixelreduce(['export', output, join(folder, 'back')])

    expect(await treeOf(join(folder, 'back'))).toEqual(await treeOf(input))
    const className = `org.apache.hadoop.io.compress.${javaClass}`
    expect(await successOf(output)).toMatchObject({
      compression: mode.toUpperCase(),
      codec: className,
      indexInterval: 7,
      ledger: { read: 60, written: 60 },
    })
    expect((await readFile(join(output, 'part-m-00000', 'data'))).includes(className)).toBe(true)
  })

  it('lists and gets single pictures, and is the input of a job', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 30)
    const output = await packed(input, join(folder, 'out'), '--compression', mode, '--codec', 'snappy')
    const original = await readFile(join(input, 'set-0', 'p0017.jpg'))

    const listed = jsonLines((await pixelreduce(['ls', output, '--json'])).out)
    const got = await pixelreduce(['get', output, 'set-0/p0017.jpg'])
    const again = await packed(output, join(folder, 'again'), '--splits', '5')
    const back = await pixelreduce(['get', again, 'set-0/p0017.jpg'])

    expect(listed).toHaveLength(30)
    expect(listed[17]).toMatchObject({ key: 'set-0/p0017.jpg', bytes: original.length })
    expect(got.stdout).toEqual(original)
    expect(back.stdout).toEqual(original)
    expect(await successOf(again)).toMatchObject({ compression: 'NONE', ledger: { read: 30, written: 30 } })
  })

  it('makes the same bytes with any number of workers, joined and sorted', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 80)
    await writeFile(join(input, 'set-0', 'bad.jpg'), 'bad')
    // Keys in reverse order: each task sorts, and the parts are merged.
    await writeFile(
      join(folder, 'shuffle.ts'),
      `import { defineJob } from 'pixelreduce'
       export default defineJob({
         name: 'shuffle',
         async map(image, { emit }) {
           if (image.bytes.length < 10) throw new Error('too short')
           await emit([...image.key].reverse().join(''), image.bytes)
         },
       })`,
    )
    for (const job of ['pack', join(folder, 'shuffle.ts')]) {
      const outputs = []
      for (const workers of ['1', '2', '4']) {
        const output = join(folder, `out-${workers}`)
        const flags = ['--compression', mode, '--codec', 'lz4', '--splits', '6', '--workers', workers]
        const run = await runJobCommand([job, '-i', input, '-o', output, '--overwrite', ...flags])
        expect(run.code, run.stderr).toBe(job === 'pack' ? 0 : 3)
        outputs.push(await dataOf(output))
      }

      const [one, two, four] = outputs
      expect(Object.keys(one!)).toContain(join('part-m-00000', 'data'))
      expect(two).toEqual(one)
      expect(four).toEqual(one)
    }
  })
})

it('pack compresses nothing unless told to', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 3)

  const success = await successOf(await packed(input, join(folder, 'out')))

  expect(success.compression).toBe('NONE')
  expect(success).not.toHaveProperty('codec')
})

it.each([
  [['--codec', 'gzip'], 'say --compression record or --compression block'],
  [['--compression', 'none', '--codec', 'gzip'], 'nothing is compressed'],
  [['--compression', 'block', '--codec', 'bzip2'], 'bzip2, which can only be read here'],
  [['--compression', 'block', '--codec', 'lzo'], 'default, deflate, gzip, snappy, lz4, zstd'],
  [['--compression', 'tight'], 'none, record, block'],
])('refuses %j before any work, with exit code 2', async (flags, message) => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 1)

  const pack = await pixelreduce(['pack', input, join(folder, 'out'), ...flags])
  const job = await runJobCommand(['thumbnail', '-i', input, '-o', join(folder, 'out'), ...flags])

  for (const run of [pack, job]) {
    expect(run.code).toBe(2)
    expect(run.stderr).toContain(message)
  }
  expect(Object.keys(await treeOf(folder))).toEqual(['in/set-0/p0000.jpg'])
})
