import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { EXAMPLES, manyPictures } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { javaTool } from './hadoop/java.js'

interface Verified {
  kind: string
  keyClass: string
  valueClass: string
  compression: string
  records: number
  inOrder: boolean
  indexEntries: number
  indexCorrect: boolean
  values: [string, number, string][]
  index: [string, number][]
}

interface Listed {
  key: string
  bytes: number
  part: string
  position: number
}

it('a thumbnail job: classes, keys, values, order and index', async () => {
  const output = join(await temporaryFolder(), 'out')
  await runJobCommand(['thumbnail', '--input', EXAMPLES, '--output', output])
  const { stdout, code } = await javaTool('VerifyMapFile', ['--values', '--index', output])
  expect(code).toBe(0)

  const [part] = jsonLines<Verified>(stdout)
  expect(part).toMatchObject({
    kind: 'MapFile',
    keyClass: 'org.apache.hadoop.io.Text',
    valueClass: 'org.apache.hadoop.io.BytesWritable',
    compression: 'NONE',
    records: 11,
    inOrder: true,
    indexEntries: 11,
    indexCorrect: true,
  })
  const ours = jsonLines<Listed>((await pixelreduce(['ls', output, '--json'])).out)
  expect(part!.index).toEqual(ours.map(({ key, position }) => [key, position]))
  for (const [key, length, sha256] of part!.values) {
    const { stdout: bytes } = await pixelreduce(['get', output, key])
    expect([length, sha256]).toEqual([bytes.length, createHash('sha256').update(bytes).digest('hex')])
  }
})

it('parts joined raw and merged, and every key by getEntry in a one-part output', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 400)
  await writeFile(
    join(folder, 'shuffle.ts'),
    `import { defineJob } from 'pixelreduce'
     export default defineJob({ name: 'shuffle', map: (image, { emit }) => emit([...image.key].reverse().join(''), image.bytes) })`,
  )
  for (const [name, job, interval] of [['raw', 'pack', '1'], ['merged', join(folder, 'shuffle.ts'), '1'], ['sparse', 'pack', '7']] as const) {
    const output = join(folder, name)
    const args = ['-i', input, '-o', output, '--splits', '9', '--index-interval', interval]
    expect((await runJobCommand([job, ...args])).code).toBe(0)
    const ours = jsonLines<Listed>((await pixelreduce(['ls', output, '--json'])).out)
    await writeFile(join(folder, 'keys'), ours.map(({ key }) => key).join('\n'))

    const { stdout, code } = await javaTool('VerifyMapFile', ['--keys', join(folder, 'keys'), output])
    expect(code).toBe(0)
    const lines = jsonLines<Record<string, unknown>>(stdout)
    expect(lines.find((line) => line.kind === 'MapFile')).toMatchObject({ records: 400, inOrder: true, indexCorrect: true })
    const lookups = lines.filter((line) => 'get' in line)
    expect(lookups).toHaveLength(400)
    expect(lookups.filter((lookup) => lookup.found !== true)).toEqual([])
  }
})

it('a quarantine', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 20)
  await writeFile(join(input, 'set-0', 'bad.jpg'), 'bad')
  await runJobCommand(['thumbnail', '-i', input, '-o', join(folder, 'out')])
  const { stdout, code } = await javaTool('VerifyMapFile', ['--values', join(folder, 'out', '_quarantine', 'part-m-00000')])
  expect(code).toBe(0)
  const [part] = jsonLines<Verified>(stdout)
  const bytes = await readFile(join(input, 'set-0', 'bad.jpg'))
  expect(part!.values).toEqual([['set-0/bad.jpg', 3, createHash('sha256').update(bytes).digest('hex')]])
})
