import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runChain, runJob, UsageError } from 'pixelreduce'
import { expect, it, onTestFinished } from 'vitest'
import { EXAMPLES, photoFolder, treeOf } from '../pictures.js'
import { waitUntil } from '../services/wait-until.js'
import { temporaryFolder } from '../temporary-folder.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const isPart = ([name]: [string, Buffer]) => name.startsWith('part-')
const partsOf = async (output: string) =>
  Object.fromEntries(Object.entries(await treeOf(output)).filter(isPart))

it('writes what its jobs write one by one, and leaves nothing of what lay between them', async () => {
  const folder = await temporaryFolder()
  const at = (name: string) => join(folder, name)
  const steps = [
    { job: 'pack' },
    { job: 'thumbnail', params: { size: 100, format: 'png' } },
    { job: 'binarize', splits: 2 },
  ]
  const results = await runChain(steps, { input: EXAMPLES, output: at('made/chain') })

  expect(results.map(({ job, ledger }) => [job, ledger.written])).toEqual([
    ['pack', 11],
    ['thumbnail', 11],
    ['binarize', 11],
  ])
  expect(new Set(Object.keys(await treeOf(at('made'))).map((name) => name.split('/')[0]))).toEqual(
    new Set(['chain']),
  )
  await runJob('pack', { input: EXAMPLES, output: at('1') })
  await runJob('thumbnail', { input: at('1'), output: at('2'), params: steps[1]!.params! })
  await runJob('binarize', { input: at('2'), output: at('3') })
  expect(await partsOf(at('made/chain'))).toEqual(await partsOf(at('3')))
})

it('leaves nothing when a later job fails', async () => {
  const folder = await temporaryFolder()
  await photoFolder(join(folder, 'in'), { 'a.jpg': 'coffee.jpg' })
  await writeFile(
    join(folder, 'fails.ts'),
    `import { defineJob } from 'pixelreduce'
     export default defineJob({ name: 'fails', map() { throw new Error('as it must') } })`,
  )
  const before = Object.keys(await treeOf(folder))
  const steps = [{ job: 'thumbnail' }, { job: join(folder, 'fails.ts'), onError: 'fail' as const }]
  const chain = runChain(steps, { input: join(folder, 'in'), output: join(folder, 'made/deep/out') })

  await expect(chain).rejects.toThrow('as it must')
  expect(Object.keys(await treeOf(folder))).toEqual(before)
  expect(existsSync(join(folder, 'made'))).toBe(false)
})

it('removes what a killed chain has left, and nothing of one that runs', async () => {
  const folder = await temporaryFolder()
  const input = await photoFolder(join(folder, 'in'), { 'a.jpg': 'coffee.jpg' })
  const output = join(folder, 'out')
  const hanging = async (name: string) => {
    const job = join(folder, `${name}.ts`)
    await writeFile(
      job,
      `import { writeFileSync } from 'node:fs'
       import { defineJob } from 'pixelreduce'
       export default defineJob({ name: 'hangs', async map() {
         writeFileSync(${JSON.stringify(join(folder, `${name}-maps`))}, '')
         await new Promise((resolve) => setTimeout(resolve, 1e8))
       } })`,
    )
    const chain = `import { runChain } from 'pixelreduce'
      await runChain([{ job: 'pack' }, { job: ${JSON.stringify(job)} }], ${JSON.stringify({ input, output })})`
    const child = spawn(process.execPath, ['--input-type=module', '-e', chain], {
      cwd: root,
      stdio: 'ignore',
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await waitUntil(`${name} maps`, async () => existsSync(join(folder, `${name}-maps`)))
    return async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
  const left = async () => (await readdir(folder)).filter((name) => name.startsWith('.out.')).sort()
  const killFirst = await hanging('first')
  await killFirst()
  const ofFirst = await left()
  expect(ofFirst).toEqual([expect.stringMatching(/^\.out\.chain_/), expect.stringMatching(/^\.out\.job_/)])

  const killSecond = await hanging('second')
  const ofSecond = await left()
  expect(ofSecond).toEqual(ofFirst.map((name) => expect.stringContaining(name.slice(0, '.out.job_'.length))))
  expect(ofSecond).not.toEqual(expect.arrayContaining(ofFirst))
  await runChain([{ job: 'pack' }, { job: 'thumbnail' }], { input, output })
  expect(await left()).toEqual(ofSecond)

  await killSecond()
  await runChain([{ job: 'pack' }, { job: 'thumbnail' }], { input, output, overwrite: true })
  expect(await left()).toEqual([])
})

it('refuses before any work what a later job could not take', async () => {
  const folder = await temporaryFolder()
  const output = join(folder, 'out')
  const chain = (steps: Parameters<typeof runChain>[0]) => runChain(steps, { input: EXAMPLES, output })
  const wrong = [
    [{ job: 'pack' }, { job: 'thumbnail', params: { size: 0 } }],
    [{ job: 'pack' }, { job: 'nothing' }],
    [{ job: 'pack' }, { job: 'pack', workers: 0 }],
    [],
  ]
  for (const steps of wrong) await expect(chain(steps)).rejects.toBeInstanceOf(UsageError)
  await chain([{ job: 'pack' }])
  await expect(chain([{ job: 'pack' }, { job: 'pack' }])).rejects.toThrow('it exists already')
})

it('runs the example script', async () => {
  const output = join(await temporaryFolder(), 'overview')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['examples/chain.mjs', 'examples/images', output],
    { cwd: root },
  )
  expect(stdout).toBe(`11 pictures, 1 sheet in black and white in ${output}\n`)
})
