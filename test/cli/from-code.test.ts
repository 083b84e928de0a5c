import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runJob, submitJob } from 'pixelreduce'
import { expect, it } from 'vitest'
import grey from '../../examples/grey.js'
import { UsageError } from '../../src/errors.js'
import { EXAMPLES, manyPictures, treeOf } from '../pictures.js'
import { temporaryFolder } from '../temporary-folder.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

it('runs a job from code: its value, its path, or the name of a built-in one', async () => {
  const folder = await temporaryFolder()
  const path = join(root, 'examples/grey.ts')
  const params = { quality: 50 }
  const outputs: Record<string, Buffer>[] = []
  for (const [index, job] of [grey, path].entries()) {
    const output = join(folder, `grey-${index}`)
    const result = await runJob(job, { input: EXAMPLES, output, params })
    expect(result.ledger).toMatchObject({ read: 11, mapped: 11, written: 11 })
    outputs.push(await treeOf(join(output, 'part-m-00000')))
  }
  expect(outputs[1]).toEqual(outputs[0])
  const result = await runJob('thumbnail', { input: EXAMPLES, output: join(folder, 'thumbs') })
  expect(result.parts).toMatchObject([{ name: 'part-m-00000', records: 11 }])
  await expect(runJob(grey, { input: EXAMPLES, params: { quality: 300 } })).rejects.toBeInstanceOf(UsageError)
})

it('runs the example script', async () => {
  const output = join(await temporaryFolder(), 'grey')
  const { stdout } = await run(process.execPath, ['examples/run-from-code.mjs', 'examples/images', output], {
    cwd: root,
  })
  expect(stdout).toBe(`11 grey pictures in ${output}\n`)
})

it('tells what a job does, and ends it when asked', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 30)
  await writeFile(
    join(folder, 'slow.ts'),
    `import { defineJob } from 'pixelreduce'
     import { setTimeout } from 'node:timers/promises'
     export default defineJob({ name: 'slow', async map(image, { emit }) { await setTimeout(300); await emit(image.key, image.bytes) } })`,
  )
  const before = Object.keys(await treeOf(folder))
  const handle = await submitJob(join(folder, 'slow.ts'), { input, output: join(folder, 'out') })
  const states: string[] = []
  for await (const event of handle.progress) {
    if (event.type === 'state') states.push(event.state)
    if (event.type === 'progress') handle.kill('the test has seen enough')
  }
  await expect(handle.done).rejects.toThrow('the test has seen enough')
  expect(states).toEqual(['planning', 'mapping', 'killed'])
  expect(Object.keys(await treeOf(folder))).toEqual(before)
})

it('refuses to run a job while the module of that job is loaded', async () => {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'in'))
  await writeFile(
    join(folder, 'both.ts'),
    `import { defineJob, runJob } from 'pixelreduce'
     const job = defineJob({ name: 'both', map() {} })
     export default job
     await runJob(job, { input: '.' })`,
  )
  const running = runJob(join(folder, 'both.ts'), { input: EXAMPLES, output: join(folder, 'out') })
  await expect(running).rejects.toThrow(/put the job in a file of its own/)
})
