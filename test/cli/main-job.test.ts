import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import type { SuccessFile } from '../../src/mapreduce/output/success-file.js'
import { EXAMPLES, exampleNames, photoFolder, treeOf } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

interface Listed {
  key: string
  bytes: number
  part: string
  position: number
}

async function list(uri: string): Promise<Listed[]> {
  const { out, code, stderr } = await pixelreduce(['ls', uri, '--json'])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return jsonLines<Listed>(out)
}

it('makes thumbnails of the example photographs and says what it did', async () => {
  const output = join(await temporaryFolder(), 'out', 'thumbnails')
  const { code, out, stderr } = await runJobCommand(['thumbnail', '--input', EXAMPLES, '--output', output])

  expect(code).toBe(0)
  expect(out).toMatch(/records {2}11 in, 11 out, 0 quarantined/)
  expect(out).toMatch(/records\/s/)
  expect(out).toContain(`Next: npx pixelreduce ls ${output}`)
  expect(stderr).toMatch(/11 pictures/)
  expect(Object.keys(await treeOf(join(output, '..')))).toEqual([
    'thumbnails/_SUCCESS',
    expect.stringMatching(/^thumbnails\/_logs\/history\/job_\d{17}_[0-9a-f]{6}\.jsonl$/),
    'thumbnails/part-m-00000/_checksum',
    'thumbnails/part-m-00000/data',
    'thumbnails/part-m-00000/index',
  ])
  const records = await list(output)
  expect(records.map((record) => record.key)).toEqual(await exampleNames())
  expect(new Set(records.map((record) => record.part))).toEqual(new Set(['part-m-00000']))
})

it('gives each thumbnail the size asked for and the right turn', async () => {
  const folder = await temporaryFolder()
  const output = join(folder, 'out')
  const turned = await sharp(join(EXAMPLES, 'coffee.jpg')).withMetadata({ orientation: 6 }).jpeg().toBuffer()
  await photoFolder(join(folder, 'in'), { 'a.jpg': 'coffee.jpg' })
  await writeFile(join(folder, 'in', 'turned.jpg'), turned)
  await runJobCommand([
    'thumbnail',
    '-i',
    join(folder, 'in'),
    '-o',
    output,
    '--size',
    '100',
    '--format',
    'png',
  ])

  const { stdout } = await pixelreduce(['get', output, 'turned.jpg'])
  const { width, height, format } = await sharp(stdout).metadata()
  expect({ width, height, format }).toEqual({ width: 67, height: 100, format: 'png' })
})

it('writes what the job was into _SUCCESS', async () => {
  const output = join(await temporaryFolder(), 'out')
  await runJobCommand(['thumbnail', '--input', EXAMPLES, '--output', output, '--size', '64'])

  const success = JSON.parse(await readFile(join(output, '_SUCCESS'), 'utf8')) as SuccessFile
  expect(success).toMatchObject({
    job: 'thumbnail',
    params: { size: 64, fit: 'inside', quality: 80 },
    ledger: { read: 11, mapped: 11, filtered: 0, quarantined: 0, skipped: 0, emitted: 11, written: 11 },
    parts: [{ name: 'part-m-00000', records: 11, firstKey: 'astronaut.jpg', lastKey: 'text.png' }],
  })
  const data = await readFile(join(output, 'part-m-00000', 'data'))
  const { createHash } = await import('node:crypto')
  expect(success.parts[0]).toMatchObject({
    bytes: data.length,
    digest: createHash('sha256').update(data).digest('hex'),
  })
})

it('feeds the output of one job to the next, keys unchanged: pack, thumbnail, binarize, export', async () => {
  const folder = await temporaryFolder()
  const at = (name: string) => join(folder, name)
  await photoFolder(at('photos'), {
    'b/cat.jpg': 'chelsea.jpg',
    'b/deep/camera.png': 'camera.png',
    'a.jpg': 'coffee.jpg',
    'b-1.jpg': 'rocket.jpg',
  })
  const keys = ['a.jpg', 'b-1.jpg', 'b/cat.jpg', 'b/deep/camera.png']

  expect((await pixelreduce(['pack', at('photos'), at('packed')])).code).toBe(0)
  expect((await list(at('packed'))).map((record) => record.key)).toEqual(keys)
  const { stdout } = await pixelreduce(['get', at('packed'), 'b/cat.jpg'])
  expect(stdout.equals(await readFile(join(EXAMPLES, 'chelsea.jpg')))).toBe(true)

  expect((await runJobCommand(['thumbnail', '--input', at('packed'), '--output', at('thumbs')])).code).toBe(0)
  expect(
    (await runJobCommand(['binarize', '--input', join(at('thumbs'), 'part-m-00000'), '--output', at('bw')]))
      .code,
  ).toBe(0)
  expect((await list(at('bw'))).map((record) => record.key)).toEqual(keys)

  const exported = await pixelreduce(['export', at('bw'), at('files')])
  expect(exported.code).toBe(0)
  expect(Object.keys(await treeOf(at('files'))).sort()).toEqual([
    'a.jpg.png',
    'b-1.jpg.png',
    'b/cat.jpg.png',
    'b/deep/camera.png',
  ])
  const pixels = await sharp(join(at('files'), 'b/cat.jpg.png'))
    .raw()
    .toBuffer()
  expect(new Set(pixels)).toEqual(new Set([0, 255]))
})

it('takes single pictures, globs, SequenceFiles and several inputs together', async () => {
  const folder = await temporaryFolder()
  const at = (name: string) => join(folder, name)
  await photoFolder(at('in'), {
    'x/1.jpg': 'coffee.jpg',
    'x/2.png': 'coins.png',
    'y/3.jpg': 'rocket.jpg',
    'y/_DSC4.jpg': 'chelsea.jpg',
    'y/notes.txt': 'SOURCES.md',
  })
  await pixelreduce(['pack', join(at('in'), 'x'), at('x.packed')])
  const inputs = [
    join(at('in'), 'y'),
    join(at('in'), 'x/1.jpg'),
    join(at('in'), '*/*.png'),
    join(at('x.packed'), 'part-m-00000', 'data'),
  ]

  const { code, stderr } = await runJobCommand(['thumbnail', '--input', ...inputs, '--output', at('out')])
  expect(code).toBe(0)
  expect(stderr).toMatch(/1 file of other kinds left/)
  expect((await list(at('out'))).map((record) => record.key)).toEqual([
    '1.jpg',
    '1.jpg',
    '2.png',
    '3.jpg',
    '_DSC4.jpg',
    'x/2.png',
  ])
})

it('writes beside the input when no output is given, and says where', async () => {
  const folder = await temporaryFolder()
  await photoFolder(join(folder, 'photos'), { 'a.jpg': 'coffee.jpg' })
  const { code, out } = await runJobCommand(['thumbnail', '--input', 'photos'], { cwd: folder })
  expect(code).toBe(0)
  expect(out).toContain('output   photos.thumbnail (1 part)')
  expect(await list(join(folder, 'photos.thumbnail'))).toHaveLength(1)
})

it('runs a job from a user file, with flags from its schema', async () => {
  const folder = await temporaryFolder()
  const output = join(folder, 'grey')
  const { code, stderr } = await runJobCommand([
    'examples/grey.ts',
    '--input',
    EXAMPLES,
    '--output',
    output,
    '--quality',
    '30',
  ])
  expect(stderr).not.toMatch(/Cannot/)
  expect(code).toBe(0)
  const { stdout } = await pixelreduce(['get', output, 'coffee.jpg'])
  const { channels } = await sharp(stdout).stats()
  for (const { mean } of channels) expect(mean).toBeCloseTo(channels[0]!.mean, 0)
  const coarse = stdout.length
  await runJobCommand([
    'examples/grey.ts',
    '--input',
    EXAMPLES,
    '--output',
    output,
    '--quality',
    '95',
    '--overwrite',
  ])
  expect((await pixelreduce(['get', output, 'coffee.jpg'])).stdout.length).toBeGreaterThan(2 * coarse)
})

it('lists the jobs, and shows the flags of one with their defaults', async () => {
  const list = await runJobCommand(['--list'])
  expect(list.code).toBe(0)
  for (const name of ['binarize', 'pack', 'thumbnail'])
    expect(list.out).toMatch(new RegExp(`^${name} +\\S`, 'm'))

  const help = await runJobCommand(['thumbnail', '--help'])
  expect(help.code).toBe(0)
  expect(help.out).toMatch(/--size <number>.*default 256/s)
  expect(help.out).toMatch(/--quality <number>.*default\s+80/s)
  expect(help.out).toMatch(/--fit <name>.*default inside/s)
  expect(help.out).toMatch(/--max-bad/)
  expect(help.out).toMatch(/Examples:/)
  for (const name of ['pack', 'ls', 'get', 'export']) {
    const { code, out } = await pixelreduce([name, '--help'])
    expect(code).toBe(0)
    expect(out).toMatch(/Examples:/)
  }
})

it('prints its result and its progress as JSON when asked', async () => {
  const output = join(await temporaryFolder(), 'out')
  const { out, stderr } = await runJobCommand([
    'thumbnail',
    '--input',
    EXAMPLES,
    '--output',
    output,
    '--json',
    '--progress',
    'json',
  ])
  expect(jsonLines(out)).toMatchObject([{ job: 'thumbnail', output, ledger: { read: 11, written: 11 } }])
  const states = jsonLines<{ type: string; state?: string }>(stderr).filter((event) => event.type === 'state')
  expect(states.map((event) => event.state)).toEqual(['planning', 'mapping', 'committing', 'succeeded'])
})
