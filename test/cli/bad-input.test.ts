import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EXAMPLES, headerBomb, manyPictures, photoFolder, smallPicture, treeOf } from '../pictures.js'
import { jsonLines, type Outcome, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

/** One clear message, the code, no stack trace. */
function expectFailure(outcome: Outcome, code: number, message: RegExp): void {
  expect(outcome.stderr).toMatch(message)
  expect(outcome.stderr).not.toMatch(/^\s+at /m)
  expect(outcome.code).toBe(code)
}

interface Reason {
  key: string
  reason: string
  stage: string
}

async function reasons(output: string): Promise<Reason[]> {
  return jsonLines<Reason>(
    await readFile(join(output, '_quarantine', 'part-m-00000', '_reasons.jsonl'), 'utf8'),
  )
}

describe('pictures that are none', () => {
  it('sets each aside with its bytes and its reason, and finishes the others', async () => {
    const folder = await temporaryFolder()
    const photo = await readFile(join(EXAMPLES, 'rocket.jpg'))
    const bad: Record<string, Buffer> = {
      'bomb.png': headerBomb(),
      'cut.jpg': photo.subarray(0, 40_000),
      'empty.jpg': Buffer.alloc(0),
      'text.jpg': Buffer.from('this is no picture'),
    }
    await photoFolder(join(folder, 'in'), { 'good.jpg': 'coffee.jpg' })
    for (const [name, bytes] of Object.entries(bad)) await writeFile(join(folder, 'in', name), bytes)
    const output = join(folder, 'out')

    const { code, out, stderr } = await runJobCommand([
      'thumbnail',
      '--input',
      join(folder, 'in'),
      '--output',
      output,
    ])

    expect(code).toBe(3)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(out).toMatch(/5 in, 1 out, 4 quarantined; the ledger balances/)
    const told = await reasons(output)
    expect(told.map((reason) => reason.key)).toEqual(Object.keys(bad))
    expect(told[0]!.reason).toMatch(/50000 x 50000 pixels.*the limit is 268402689.*--max-pixels/)
    expect(told[1]!.reason).toMatch(/^Cannot decode "cut.jpg": /)
    expect(told[2]!.reason).toMatch(/the file is empty/)
    expect(told[3]!.reason).toMatch(/no picture format/)
    for (const [name, bytes] of Object.entries(bad)) {
      const { stdout } = await pixelreduce(['get', join(output, '_quarantine', 'part-m-00000'), name])
      expect(stdout.equals(bytes)).toBe(true)
    }
  })

  it('balances the ledger over 200 damaged pictures among 1,000', async () => {
    const folder = await temporaryFolder()
    await manyPictures(join(folder, 'in'), 1000)
    for (let index = 0; index < 1000; index += 5) {
      const path = join(
        folder,
        'in',
        `set-${Math.floor(index / 100)}`,
        `p${String(index).padStart(4, '0')}.jpg`,
      )
      const bytes = await readFile(path)
      await writeFile(
        path,
        index % 2 === 0 ? bytes.subarray(0, bytes.length / 2) : Buffer.concat([Buffer.from('damage'), bytes]),
      )
    }
    const output = join(folder, 'out')

    const { code, out } = await runJobCommand([
      'thumbnail',
      '-i',
      join(folder, 'in'),
      '-o',
      output,
      '--max-bad',
      '30%',
      '--json',
    ])

    expect(code).toBe(3)
    const [result] = jsonLines<{ ledger: Record<string, number> }>(out)
    expect(result!.ledger).toMatchObject({
      read: 1000,
      mapped: 800,
      quarantined: 200,
      emitted: 800,
      written: 800,
    })
    const set = jsonLines<{ key: string; bytes: number }>(
      (await pixelreduce(['ls', join(output, '_quarantine', 'part-m-00000'), '--json'])).out,
    )
    expect(set).toHaveLength(200)
    for (const { key, bytes } of set) expect(bytes).toBe((await readFile(join(folder, 'in', key))).length)
  })

  it('fails when more are bad than --max-bad allows, and leaves nothing', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'in'))
    for (let index = 0; index < 30; index++) {
      await writeFile(join(folder, 'in', `${index}.jpg`), index < 12 ? 'bad' : await smallPicture(index))
    }
    const before = Object.keys(await treeOf(folder))
    const outcome = await runJobCommand(['thumbnail', '-i', join(folder, 'in'), '-o', join(folder, 'out')])
    expectFailure(
      outcome,
      1,
      /of 30 records are bad, --max-bad allows 10 \(1%, at least 10\); the first: Cannot decode "0.jpg"/,
    )
    expect(Object.keys(await treeOf(folder))).toEqual(before)
  })

  it('drops them with --on-error skip, and stops at the first with fail', async () => {
    const folder = await temporaryFolder()
    await photoFolder(join(folder, 'in'), { 'good.jpg': 'coffee.jpg' })
    await writeFile(join(folder, 'in', 'bad.jpg'), 'bad')
    const args = ['thumbnail', '-i', join(folder, 'in'), '-o', join(folder, 'out'), '--on-error']
    expectFailure(await runJobCommand([...args, 'fail']), 1, /Cannot decode "bad.jpg".*--on-error quarantine/)
    const skipped = await runJobCommand([...args, 'skip'])
    expect(skipped.code).toBe(0)
    expect(skipped.out).toMatch(/2 in, 1 out, 0 quarantined, 1 skipped/)
  })
})

describe('inputs and outputs that cannot be', () => {
  it('names them, with exit code 2, before any work', async () => {
    const folder = await temporaryFolder()
    const at = (name: string) => join(folder, name)
    await photoFolder(at('in'), { 'a.jpg': 'coffee.jpg' })
    await mkdir(at('empty'))
    await mkdir(at('texts'))
    await writeFile(at('texts/a.txt'), 'x')
    await mkdir(at('there'))
    const before = Object.keys(await treeOf(folder))
    const run = (...args: string[]) => runJobCommand(['thumbnail', ...args])

    expectFailure(
      await run('-i', at('none'), '-o', at('out')),
      2,
      /Cannot read .*none: there is no such file or folder/,
    )
    expectFailure(await run('-i', at('empty'), '-o', at('out')), 2, /there is no picture in it/)
    expectFailure(
      await run('-i', at('texts'), '-o', at('out')),
      2,
      /no picture in it; 1 other file was left \(1 .txt\)/,
    )
    expectFailure(await run('-i', at('*.jpg'), '-o', at('out')), 2, /nothing matches it/)
    expectFailure(await run('-i', at('in'), '-o', at('there')), 2, /there: it exists already; .*--overwrite/)
    expectFailure(await run('-i', at('in'), '-o', at('in/out')), 2, /lies inside the input/)
    expectFailure(await run('-i', at('in'), '-o', at('in')), 2, /lies inside the input/)
    expectFailure(await run('-i', at('in/a.jpg'), '-o', at('in')), 2, /input .* lies inside it/)
    expectFailure(await run('-i', at('in'), '-o', '/proc/out'), 2, /Cannot write \/proc\/out/)
    expectFailure(await run('-i', 'gopher://in', '-o', at('out')), 1, /no file system serves gopher/)
    expectFailure(await run('-o', at('out')), 2, /no --input is given/)
    expect(Object.keys(await treeOf(folder))).toEqual(before)
  })

  it('names flags and values that are wrong, with exit code 2', async () => {
    const base = ['--input', EXAMPLES, '--output', join(await temporaryFolder(), 'out')]
    const run = (...args: string[]) => runJobCommand(args)
    expectFailure(await run('thumbnail', ...base, '--quality', '300'), 2, /--quality is 300: .*100/)
    expectFailure(
      await run('thumbnail', ...base, '--quality', 'high'),
      2,
      /--quality is "high": expected number/,
    )
    expectFailure(await run('thumbnail', ...base, '--fit', 'tight'), 2, /--fit is "tight"/)
    expectFailure(
      await run('thumbnail', ...base, '--sise', '3'),
      2,
      /unknown option '--sise'\s+\(Did you mean --size\?\)/,
    )
    expectFailure(await run('thumbnail', ...base, '--workers', '0'), 2, /--workers.*whole number above 0/)
    expectFailure(await run('thumbnail', ...base, '--max-bad', 'lots'), 2, /--max-bad.*share such as 1%/)
    expectFailure(
      await run('thumbnail', ...base, '--splits', '2', '--split-size', '1M'),
      2,
      /give one of them/,
    )
    expectFailure(await run('thumbnale', ...base), 2, /there is no such job; built in are .*thumbnail/)
    expectFailure(await run('./none.ts', ...base), 2, /none.ts: there is no such file/)
    expectFailure(await run('--input', 'x'), 2, /the job comes first/)
  })

  it('names what is wrong with a job of the user', async () => {
    const folder = await temporaryFolder()
    const output = join(folder, 'out')
    const run = async (code: string) => {
      await writeFile(join(folder, 'job.ts'), code)
      return runJobCommand([join(folder, 'job.ts'), '--input', EXAMPLES, '--output', output])
    }
    expectFailure(await run('export const x = 1'), 2, /it exports no job; write "export default defineJob/)
    expectFailure(await run('export default {'), 2, /job.ts:1:\d+: /)
    expectFailure(await run(`throw new Error('on purpose')`), 2, /on purpose/)
    expectFailure(await run(`import './nothing.js'`), 2, /Could not resolve "\.\/nothing\.js"/)
    const shadowing = `import { defineJob, z } from 'pixelreduce'
      export default defineJob({ name: 'j', params: z.object({ maxBad: z.number() }), map() {} })`
    expectFailure(await run(shadowing), 2, /param "maxBad" would shadow the run flag --max-bad/)
    const throwing = `import { defineJob } from 'pixelreduce'
      export default defineJob({ name: 'j', map(image) { if (image.key > 'm') throw new TypeError('no such thing') } })`
    const outcome = await run(throwing)
    expect(outcome.code).toBe(3)
    expect(outcome.out).toMatch(/11 in, 0 out, 5 quarantined, 6 filtered/)
    expect(outcome.out).toMatch(/Cannot map "moon.png": no such thing/)
  })
})

describe('keys', () => {
  it('sets aside a record whose key is longer than 64 KiB', async () => {
    const folder = await temporaryFolder()
    const output = join(folder, 'out')
    await writeFile(
      join(folder, 'long.ts'),
      `import { defineJob } from 'pixelreduce'
       export default defineJob({ name: 'long', map: (image, { emit }) => emit(image.key === 'moon.png' ? 'k'.repeat(65537) : image.key, image.bytes) })`,
    )
    const { code, out } = await runJobCommand([join(folder, 'long.ts'), '-i', EXAMPLES, '-o', output])
    expect(code).toBe(3)
    expect(out).toMatch(/the key "kkkk.*65537 bytes, the limit is 65536/)
    const { stdout } = await pixelreduce(['get', join(output, '_quarantine/part-m-00000'), 'moon.png'])
    expect(stdout.equals(await readFile(join(EXAMPLES, 'moon.png')))).toBe(true)
  })

  it('keeps two inputs with the same key in their order and counts them; pack refuses', async () => {
    const folder = await temporaryFolder()
    const at = (name: string) => join(folder, name)
    await photoFolder(at('one'), { 'a.jpg': 'coffee.jpg', 'b.jpg': 'rocket.jpg' })
    await photoFolder(at('two'), { 'a.jpg': 'chelsea.jpg', 'c.jpg': 'moon.png' })
    await writeFile(
      at('copy.ts'),
      `import { defineJob } from 'pixelreduce'
       export default defineJob({ name: 'copy', map: (image, { emit }) => emit(image.key, image.bytes) })`,
    )
    const { code, out } = await runJobCommand([at('copy.ts'), '-i', at('one'), at('two'), '-o', at('out')])
    expect(code).toBe(0)
    expect(out).toMatch(/4 in, 4 out, 0 quarantined, 1 with the key of another/)
    const sizes = jsonLines<{ key: string; bytes: number }>(
      (await pixelreduce(['ls', at('out'), '--json'])).out,
    )
    expect(sizes.map(({ key, bytes }) => [key, bytes])).toEqual([
      ['a.jpg', (await readFile(join(EXAMPLES, 'coffee.jpg'))).length],
      ['a.jpg', (await readFile(join(EXAMPLES, 'chelsea.jpg'))).length],
      ['b.jpg', (await readFile(join(EXAMPLES, 'rocket.jpg'))).length],
      ['c.jpg', (await readFile(join(EXAMPLES, 'moon.png'))).length],
    ])
    const before = Object.keys(await treeOf(folder))
    expectFailure(
      await pixelreduce(['pack', at('one'), at('two'), at('packed')]),
      1,
      /two records have the key "a.jpg"/,
    )
    expect(Object.keys(await treeOf(folder))).toEqual(before)
  })

  it('refuses to export a key that leads out of the folder, and leaves nothing', async () => {
    const folder = await temporaryFolder()
    const at = (name: string) => join(folder, name)
    const hostile: [string, RegExp][] = [
      ['../evil.jpg', /it leads out of the folder/],
      ['/etc/evil.jpg', /it is an absolute path/],
      ['a/../../evil.jpg', /it leads out of the folder/],
    ]
    for (const [index, [key, message]] of hostile.entries()) {
      await writeFile(
        at('rename.ts'),
        `import { defineJob } from 'pixelreduce'
         export default defineJob({ name: 'rename', map: (image, { emit }) => emit(image.key === 'moon.png' ? ${JSON.stringify(key)} : image.key, image.bytes) })`,
      )
      await runJobCommand([at('rename.ts'), '-i', EXAMPLES, '-o', at(`out-${index}`)])
      const before = Object.keys(await treeOf(folder))
      expectFailure(await pixelreduce(['export', at(`out-${index}`), at('files')]), 1, message)
      expect(Object.keys(await treeOf(folder))).toEqual(before)
    }
  })

  it('says so when a key is not there', async () => {
    const folder = await temporaryFolder()
    await pixelreduce(['pack', EXAMPLES, join(folder, 'packed')])
    expectFailure(await pixelreduce(['get', join(folder, 'packed'), 'none.jpg']), 1, /there is no such key/)
    expectFailure(await pixelreduce(['ls', EXAMPLES]), 1, /it is no MapFile.*pixelreduce pack/)
    expectFailure(await pixelreduce(['lst', EXAMPLES]), 2, /unknown command 'lst'/)
  })
})
