import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SuccessFile } from '../../src/mapreduce/output/success-file.js'
import { manyPictures, photoFolder, smallPicture, treeOf } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

/** The bytes that must not differ: parts and quarantine. */
async function dataOf(output: string): Promise<Record<string, string>> {
  const tree = await treeOf(output)
  const files = Object.keys(tree).filter((name) => name !== '_SUCCESS' && !name.startsWith('_logs/'))
  return Object.fromEntries(files.map((name) => [name, tree[name]!.toString('base64')]))
}

describe('output bytes', () => {
  it('are the same with 1, 2 and 4 workers and on a second run, quarantine included', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 300)
    await writeFile(join(input, 'set-1', 'bad.jpg'), 'bad')
    const outputs: Record<string, string>[] = []
    for (const [index, workers] of [1, 2, 4, 2].entries()) {
      const output = join(folder, `out-${index}`)
      const args = [
        'thumbnail',
        '-i',
        input,
        '-o',
        output,
        '--workers',
        String(workers),
        '--split-size',
        '20K',
        '--size',
        '32',
      ]
      expect((await runJobCommand(args)).code).toBe(3)
      outputs.push(await dataOf(output))
    }
    expect(Object.keys(outputs[0]!)).toContain('_quarantine/part-m-00000/data')
    for (const output of outputs.slice(1)) expect(output).toEqual(outputs[0])
  })

  it('do not depend on where the input lies', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'here'), 20)
    await runJobCommand(['pack', '-i', input, '-o', join(folder, 'a')])
    await mkdir(join(folder, 'there'))
    await rename(input, join(folder, 'there/moved'))
    await runJobCommand(['pack', '-i', join(folder, 'there/moved'), '-o', join(folder, 'b')])
    expect(await dataOf(join(folder, 'b'))).toEqual(await dataOf(join(folder, 'a')))
  })
})

describe('parts', () => {
  it('stay apart above --part-size, and get opens the one that has the key', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 120)
    const output = join(folder, 'out')
    await runJobCommand(['pack', '-i', input, '-o', output, '--splits', '12', '--part-size', '60K'])
    const success = JSON.parse(await readFile(join(output, '_SUCCESS'), 'utf8')) as SuccessFile
    expect(success.parts.length).toBeGreaterThan(2)
    expect(success.partitioning).toBe('ranges')
    // With every other part damaged, the key is still found in its own.
    const home = success.parts.find(
      (part) => 'set-0/p0055.jpg' >= part.firstKey && 'set-0/p0055.jpg' <= part.lastKey,
    )!
    for (const part of success.parts)
      if (part !== home) await writeFile(join(output, part.name, 'data'), 'SEQ')
    const { stdout } = await pixelreduce(['get', output, 'set-0/p0055.jpg'])
    expect(stdout.equals(await readFile(join(input, 'set-0/p0055.jpg')))).toBe(true)
  })

  it('come out sorted when a job changes the order of its keys', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 150)
    await writeFile(
      join(folder, 'reverse.ts'),
      `import { defineJob } from 'pixelreduce'
       export default defineJob({ name: 'reverse', map: (image, { emit }) => emit([...image.key].reverse().join(''), image.bytes) })`,
    )
    for (const splits of ['1', '7']) {
      const output = join(folder, `out-${splits}`)
      expect(
        (await runJobCommand([join(folder, 'reverse.ts'), '-i', input, '-o', output, '--splits', splits]))
          .code,
      ).toBe(0)
      const keys = jsonLines<{ key: string }>((await pixelreduce(['ls', output, '--json'])).out).map(
        ({ key }) => key,
      )
      expect(keys).toHaveLength(150)
      expect(keys).toEqual([...keys].sort())
    }
  })

  it('hold no record when every record is filtered', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 5)
    await writeFile(
      join(folder, 'none.ts'),
      `import { defineJob } from 'pixelreduce'\nexport default defineJob({ name: 'none', map() {} })`,
    )
    const { code, out } = await runJobCommand([
      join(folder, 'none.ts'),
      '-i',
      input,
      '-o',
      join(folder, 'out'),
    ])
    expect(code).toBe(0)
    expect(out).toMatch(/5 in, 0 out, 0 quarantined, 5 filtered/)
    expect(await pixelreduce(['ls', join(folder, 'out'), '--json'])).toMatchObject({ code: 0, out: '' })
  })
})

describe('signals', () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`clean up on ${signal} and exit with ${code}`, async () => {
      const folder = await temporaryFolder()
      const input = await manyPictures(join(folder, 'in'), 40)
      await writeFile(
        join(folder, 'slow.ts'),
        `import { defineJob } from 'pixelreduce'
         import { setTimeout } from 'node:timers/promises'
         export default defineJob({ name: 'slow', async map(image, { emit }) { await emit(image.key, image.bytes); await setTimeout(200) } })`,
      )
      const before = Object.keys(await treeOf(folder))
      const outcome = await runJobCommand(
        [join(folder, 'slow.ts'), '-i', input, '-o', join(folder, 'new/deep/out'), '--progress', 'json'],
        {
          onStderr(text, kill) {
            if (text.includes('"type":"progress"')) kill(signal)
          },
        },
      )
      expect(outcome.code).toBe(code)
      expect(Object.keys(await treeOf(folder))).toEqual(before)
      expect(await readFile(join(folder, 'new')).catch((error) => error.code)).toBe('ENOENT')
    })
  }
})

describe('attempts', () => {
  const dying = (times: number) => `import { defineJob } from 'pixelreduce'
    import { existsSync, writeFileSync } from 'node:fs'
    export default defineJob({ name: 'dying', async map(image, { emit }) {
      for (let attempt = 0; image.key.endsWith('p0033.jpg') && attempt < ${times}; attempt++) {
        const marker = import.meta.dirname + '/../died-' + attempt
        if (!existsSync(marker)) { writeFileSync(marker, ''); process.exit(1) }
      }
      await emit(image.key, image.bytes)
    } })`

  it('are made again when a thread dies, and the output is the same', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 60)
    await writeFile(join(folder, 'dying.ts'), dying(3))
    const args = [join(folder, 'dying.ts'), '-i', input, '--split-size', '10K']
    const troubled = await runJobCommand([...args, '-o', join(folder, 'out')])
    expect(troubled.stderr).toMatch(/failed in attempt 0, trying again.*thread ended/)
    expect(troubled.code).toBe(0)
    expect((await runJobCommand([...args, '-o', join(folder, 'again')])).stderr).not.toMatch(
      /failed in attempt/,
    )
    expect(await dataOf(join(folder, 'out'))).toEqual(await dataOf(join(folder, 'again')))
  })

  it('end after four, with the cause and without an output', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 40)
    await writeFile(join(folder, 'dying.ts'), dying(100))
    const before = Object.keys(await treeOf(input))
    const { code, stderr } = await runJobCommand([
      join(folder, 'dying.ts'),
      '-i',
      input,
      '-o',
      join(folder, 'out'),
    ])
    expect(code).toBe(1)
    expect(stderr).toMatch(/Cannot finish task m-0000\d: it failed in each of 4 attempts: .*thread ended/)
    expect(Object.keys(await treeOf(input))).toEqual(before)
    expect((await readdir(folder)).filter((name) => !name.startsWith('died')).sort()).toEqual([
      'dying.ts',
      'in',
    ])
  })
})

describe('--overwrite', () => {
  it('keeps the old output when the new job fails, and replaces it when it succeeds', async () => {
    const folder = await temporaryFolder()
    const at = (name: string) => join(folder, name)
    await photoFolder(at('in'), { 'a.jpg': 'coffee.jpg' })
    await runJobCommand(['pack', '-i', at('in'), '-o', at('out')])
    const old = await treeOf(at('out'))
    await writeFile(at('in/bad.jpg'), 'bad')
    const failing = await runJobCommand([
      'thumbnail',
      '-i',
      at('in'),
      '-o',
      at('out'),
      '--overwrite',
      '--on-error',
      'fail',
    ])
    expect(failing.code).toBe(1)
    expect(await treeOf(at('out'))).toEqual(old)

    await rm(at('in/bad.jpg'))
    await writeFile(at('in/b.jpg'), await smallPicture(1))
    expect((await runJobCommand(['pack', '-i', at('in'), '-o', at('out'), '--overwrite'])).code).toBe(0)
    expect(jsonLines((await pixelreduce(['ls', at('out'), '--json'])).out)).toHaveLength(2)
    expect((await readdir(folder)).sort()).toEqual(['in', 'out'])
  })
})
