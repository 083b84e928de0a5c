import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { exampleNames, manyPictures, photoFolder, treeOf } from '../pictures.js'
import { temporaryFolder } from '../temporary-folder.js'

const SCRIPT = fileURLToPath(new URL('../../examples/nightly/nightly.mjs', import.meta.url))
const DAY = '2026-11-20'

interface Summary {
  status: string
  exitCode: number
  error?: string
  jobs?: { job: string; in: number; out: number; setAside: number; reasons: string[] }[]
}

/** @param onLine called with each line of stderr */
function start(args: string[], onLine: (line: string, child: ChildProcess) => void = () => {}) {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  createInterface(child.stderr).on('line', (line) => onLine(line, child))
  return once(child, 'close').then(([code, signal]) => ({ code, signal, out }))
}

async function night(args: string[]): Promise<Summary> {
  const { code, out } = await start(args)
  const summary = JSON.parse(out) as Summary
  expect(code).toBe(summary.exitCode)
  return summary
}

/** Digests of a day's files. A run killed before it has a plan leaves a hidden folder, which is none of them. */
async function digestsOf(folder: string): Promise<Record<string, string>> {
  const files = Object.entries(await treeOf(folder))
  const data = files.filter(([name]) => !/^\.|\/_SUCCESS$|\/_logs\//.test(name))
  return Object.fromEntries(
    data.map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]),
  )
}

it('packs a day and makes thumbnails, once', async () => {
  const folder = await temporaryFolder()
  const [archive, output] = [join(folder, 'archive'), join(folder, 'out')]
  await photoFolder(join(archive, DAY), { 'cam-1/1.jpg': 'coffee.jpg', 'cam-2/1.jpg': 'chelsea.jpg' })

  expect(await night([archive, output, DAY])).toMatchObject({
    status: 'done',
    exitCode: 0,
    jobs: [
      { job: 'pack', in: 2, out: 2, setAside: 0 },
      { job: 'thumbnail', in: 2, out: 2, setAside: 0 },
    ],
  })
  const before = await treeOf(output)
  expect(Object.keys(before)).toContain(`${DAY}/thumbnails/part-m-00000/data`)
  expect(await night([archive, output, DAY])).toMatchObject({ status: 'finished before', exitCode: 0 })
  expect(await treeOf(output)).toEqual(before)
})

it('tells what was set aside, and what failed', async () => {
  const folder = await temporaryFolder()
  const archive = await photoFolder(join(folder, 'archive'), { [`${DAY}/1.jpg`]: 'coffee.jpg' })
  await writeFile(join(archive, DAY, '2.jpg'), 'no picture')

  const summary = await night([archive, join(folder, 'out'), DAY])
  expect(summary).toMatchObject({ status: 'done, with pictures set aside', exitCode: 3 })
  expect(summary.jobs?.[1]).toMatchObject({ in: 2, out: 1, setAside: 1 })
  expect(summary.jobs?.[1]?.reasons).toEqual([expect.stringContaining('Cannot decode "2.jpg"')])

  const missing = await night([archive, join(folder, 'out'), '2026-11-19'])
  expect(missing).toMatchObject({ status: 'failed', exitCode: 2, jobs: [] })
  expect(missing.error).toContain('2026-11-19')
})

it('takes the folder of yesterday when no day is given', async () => {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'archive'))
  const { error } = await night([join(folder, 'archive'), join(folder, 'out')])
  const date = new Date()
  date.setDate(date.getDate() - 1)
  const two = (number: number) => String(number).padStart(2, '0')
  expect(error).toContain(`${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`)
})

it('leaves a day to the run that is at work on it', async () => {
  const folder = await temporaryFolder()
  const [archive, output] = [join(folder, 'archive'), join(folder, 'out')]
  await manyPictures(join(archive, DAY), 20)

  let second: Promise<Summary> | undefined
  const first = await start([archive, output, DAY], (_, child) => {
    if (second) return
    child.kill('SIGSTOP')
    second = night([archive, output, DAY]).finally(() => child.kill('SIGCONT'))
  })
  expect(await second).toMatchObject({ status: 'running already', exitCode: 0 })
  expect(first.code).toBe(0)
})

it.each([
  ['as packing begins', /^pack /, undefined],
  ['as thumbnails begin', /^thumbnail /, undefined],
  ['with some thumbnails done', /^thumbnail /, /^\.thumbnails\..*\/committed\/m-/],
])('goes on after a kill -9 %s, and ends with the same bytes', async (_, line, file) => {
  const folder = await temporaryFolder()
  const archive = join(folder, 'archive')
  const names = await exampleNames()
  // Enough bytes for several tasks.
  for (let copy = 0; copy < 7; copy++) {
    const files = names.map((name) => [`cam-${copy}/${name}`, name] as const)
    await photoFolder(join(archive, DAY), Object.fromEntries(files))
  }
  await night([archive, join(folder, 'whole'), DAY])
  const output = join(folder, 'killed')

  const killed = await start([archive, output, DAY], (text, child) => {
    if (!line.test(text)) return
    if (!file) child.kill('SIGKILL')
    else {
      const watcher = watch(join(output, DAY), { recursive: true }, (_event, name) => {
        if (!file.test(String(name))) return
        child.kill('SIGKILL')
        watcher.close()
      })
    }
  })
  expect(killed.signal).toBe('SIGKILL')
  expect(await night([archive, output, DAY])).toMatchObject({ status: 'done', exitCode: 0 })
  expect(await digestsOf(join(output, DAY))).toEqual(await digestsOf(join(folder, 'whole', DAY)))
})
