import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manyPictures, treeOf } from '../pictures.js'
import { runJobCommand } from '../run-command.js'

/** The bytes that must not differ. */
async function dataOf(output: string): Promise<Record<string, string>> {
  const tree = await treeOf(output)
  const files = Object.keys(tree).filter((name) => name !== '_SUCCESS' && !name.startsWith('_logs'))
  return Object.fromEntries(files.map((name) => [name, tree[name]!.toString('base64')]))
}

/** Runs the command and kills it, as it stands, when it tells its n-th event. */
async function killed(args: string[], events: number): Promise<void> {
  const bin = fileURLToPath(new URL('../../dist/bin/run-job.cjs', import.meta.url))
  const child = spawn(process.execPath, [bin, ...args, '--progress', 'json'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let seen = 0
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    seen += text.split('\n').length - 1
    if (seen >= events) child.kill('SIGKILL')
  })
  await once(child, 'close')
}

describe('--resume', () => {
  let folder: string
  let input: string
  let expected: Record<string, string>
  const args = (output: string) => [
    'thumbnail',
    '-i',
    input,
    '-o',
    output,
    '--size',
    '16',
    '--splits',
    '12',
    '--reducers',
    '3',
    '--sort-buffer',
    '1M',
  ]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pixelreduce-test-'))
    input = await manyPictures(join(folder, 'in'), 120)
    await writeFile(join(input, 'set-0', 'bad.jpg'), 'bad')
    expect((await runJobCommand(args(join(folder, 'whole')))).code).toBe(3)
    expected = await dataOf(join(folder, 'whole'))
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  // Anywhere in a run: planning, mapping, reducing, committing, done.
  it.each([
    1, 2, 3, 5, 8, 12, 16, 20, 25, 32,
  ])('gives the same bytes after a kill -9 at event %i, and leaves nothing else', async (event) => {
    const output = join(folder, `killed-${event}`)
    await killed(args(output), event)
    const { code, stderr } = await runJobCommand([...args(output), '--resume'])
    expect([code, code === 3 ? '' : stderr]).toEqual([3, ''])
    expect(await dataOf(output)).toEqual(expected)
    const left = (await readdir(folder)).filter((name) => name.startsWith(`.killed-${event}.`))
    // A driver that was killed before it had a plan leaves a folder that another one may be planning in.
    for (const name of left) expect(await readdir(join(folder, name))).not.toContain('plan.json')
  })

  it('lets two drivers resume one job at once: one output, right', async () => {
    const output = join(folder, 'twice')
    await killed(args(output), 10)
    const both = await Promise.all(
      [0, 1].map(() => runJobCommand([...args(output), '--resume', '--workers', '1'])),
    )
    expect(await dataOf(output)).toEqual(expected)
    expect(both.map(({ code }) => code)).toContain(3)
    for (const { code, stderr } of both)
      if (code !== 3) expect(stderr).toMatch(/another driver has taken the job over/)
    expect((await readdir(folder)).filter((name) => name.startsWith('.twice.'))).toEqual([])
  })

  it('leaves a finished output as it is, and refuses another job, params or input', async () => {
    const output = join(folder, 'finished')
    expect((await runJobCommand(args(output))).code).toBe(3)
    const before = await treeOf(output)
    expect((await runJobCommand([...args(output), '--resume'])).code).toBe(3)
    expect(await treeOf(output)).toEqual(before)
    for (const [other, what] of [
      [['thumbnail', '-i', input, '-o', output, '--size', '17'], /its params was|params/],
      [['pack', '-i', input, '-o', output], /its job was "thumbnail" and is "pack" now/],
      [['thumbnail', '-i', join(input, 'set-0'), '-o', output, '--size', '16'], /its input was/],
    ] as const) {
      const { code, stderr } = await runJobCommand([...other, '--resume'])
      expect([code, stderr]).toEqual([2, expect.stringMatching(what)])
    }
    expect(await treeOf(output)).toEqual(before)
  })

  it('begins a job that was never begun', async () => {
    const output = join(folder, 'new')
    expect((await runJobCommand([...args(output), '--resume'])).code).toBe(3)
    expect(await dataOf(output)).toEqual(expected)
  })
})
