import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Explanation } from '../../src/engines/explain-job.js'
import { manyPictures, treeOf } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

async function explain(folder: string, ...flags: string[]) {
  const args = ['thumbnail', '-i', join(folder, 'in'), '-o', join(folder, 'out'), '--explain']
  return runJobCommand([...args, '--history-dir', join(folder, 'history'), ...flags])
}

it('prints the plan, runs nothing and leaves nothing behind', async () => {
  const folder = await temporaryFolder()
  await manyPictures(join(folder, 'in'), 60)
  const before = await treeOf(folder)
  const scratch = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith('pixelreduce-explain-'))
  const others = await scratch()

  const { code, out } = await explain(folder, '--split-size', '2K', '--reducers', '3', '--size', '99')

  expect(code).toBe(0)
  expect(out).toMatch(/^thumbnail: the plan; nothing is run/)
  expect(out).toMatch(/params {3}\{"size":99/)
  expect(out).toMatch(/version {2}pixelreduce .*the job's code [0-9a-f]{16}/)
  expect(out).toMatch(/input {4}60 records/)
  expect(out).toMatch(/in {2}picture-files/)
  expect(out.match(/^ {4}m-\d{5} {2}/gm)).toHaveLength(20)
  expect(out).toMatch(/and \d+ more; --json has them all/)
  expect(out).toMatch(/reduce {3}3 tasks: --reducers says so/)
  expect(out).toMatch(/sort buffers: .*--sort-buffer/)
  expect(out).toMatch(/mapfile of Text and BytesWritable, compression NONE/)
  expect(await treeOf(folder)).toEqual(before)
  expect((await readdir(folder)).sort()).toEqual(['in'])
  expect((await scratch()).filter((name) => !others.includes(name))).toEqual([])
})

it('plans as the job itself does', async () => {
  const folder = await temporaryFolder()
  await manyPictures(join(folder, 'in'), 40)
  await pixelreduce(['pack', join(folder, 'in'), join(folder, 'packed')])
  const run = ['thumbnail', '-i', join(folder, 'packed'), '-o', join(folder, 'out'), '--splits', '5']
  const [plan] = jsonLines<Explanation>((await runJobCommand([...run, '--explain', '--json'])).out)
  const { stderr } = await runJobCommand([...run, '--progress', 'json'])

  const planned = jsonLines(stderr).find(({ type }) => type === 'planned')!
  expect(plan!.splits).toHaveLength(planned.splits as number)
  expect(plan!.splits.reduce((sum, { records }) => sum + records!, 0)).toBe(40)
  expect(plan).toMatchObject({
    records: 40,
    inputs: [{ kind: 'map-file', splits: planned.splits }],
    reducers: { count: 0, why: expect.stringContaining('no reduce') },
    output: { uri: join(folder, 'out'), exists: false, format: 'mapfile' },
  })
})

it('says that an output is there already, and names what is wrong with the rest', async () => {
  const folder = await temporaryFolder()
  await manyPictures(join(folder, 'in'), 3)
  await runJobCommand(['pack', '-i', join(folder, 'in'), '-o', join(folder, 'out')])
  expect((await explain(folder)).out).toMatch(/exists already: only --overwrite replaces it/)
  expect(await explain(folder, '--size', '0')).toMatchObject({ code: 2, out: '' })
  expect((await pixelreduce(['pack', join(folder, 'in'), join(folder, 'p'), '--explain'])).out).toMatch(
    /^pack: the plan/,
  )
  expect((await readdir(folder)).sort()).toEqual(['in', 'out'])
})
