import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { EXAMPLES, exampleNames, manyPictures, photoFolder } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { runEveryWay } from './same-output.js'

const GAP = 8

/** The sheet as sharp composes it. */
async function plainSheet(pictures: readonly string[], columns: number, cell: number): Promise<Buffer> {
  const layers = await Promise.all(
    pictures.map(async (picture, at) => {
      const { data, info } = await sharp(join(EXAMPLES, picture))
        .resize(cell, cell, { fit: 'inside', withoutEnlargement: true })
        .png()
        .toBuffer({ resolveWithObject: true })
      const left = GAP + (at % columns) * (cell + GAP) + Math.floor((cell - info.width) / 2)
      const top = GAP + Math.floor(at / columns) * (cell + GAP) + Math.floor((cell - info.height) / 2)
      return { input: data, left, top }
    }),
  )
  const width = GAP + Math.min(columns, pictures.length) * (cell + GAP)
  const height = GAP + Math.ceil(pictures.length / columns) * (cell + GAP)
  const sheet = sharp({ create: { width, height, channels: 3, background: 'white' } }).composite(layers)
  return sheet.removeAlpha().raw().toBuffer()
}

async function keysOf(output: string): Promise<string[]> {
  const { out } = await pixelreduce(['ls', output, '--json'])
  return jsonLines<{ key: string }>(out).map(({ key }) => key)
}

it('lays all pictures out in the order of their keys, the same however the work is divided', async () => {
  const args = ['--input', EXAMPLES, '--columns', '4', '--cell', '100', '--format', 'png']
  const { output } = await runEveryWay('contact-sheet', await temporaryFolder(), args)

  expect(await keysOf(output)).toEqual(['sheet-0001'])
  const { stdout } = await pixelreduce(['get', output, 'sheet-0001'])
  const pixels = await sharp(stdout).raw().toBuffer()
  expect(pixels.equals(await plainSheet(await exampleNames(), 4, 100))).toBe(true)
})

it('makes sheets for each group, and a new one when the rows are full', async () => {
  const folder = await temporaryFolder()
  const input = await photoFolder(join(folder, 'in'), {
    'cam-1/mon/1.jpg': 'coffee.jpg',
    'cam-1/mon/2.jpg': 'chelsea.jpg',
    'cam-1/tue/1.png': 'coins.png',
    'cam-1-old/1.jpg': 'rocket.jpg',
    'top.jpg': 'retina.jpg',
  })
  const grid = ['--columns', '2', '--rows', '1', '--cell', '40', '--format', 'png']
  const args = ['--input', input, '--group', '{dir:1}', ...grid]
  const { output } = await runEveryWay('contact-sheet', folder, args)

  expect(await keysOf(output)).toEqual([
    'cam-1-old/sheet-0001',
    'cam-1/sheet-0001',
    'cam-1/sheet-0002',
    'sheet-0001',
  ])
  for (const [key, pictures] of [
    ['cam-1/sheet-0001', ['coffee.jpg', 'chelsea.jpg']],
    ['cam-1/sheet-0002', ['coins.png']],
    ['sheet-0001', ['retina.jpg']],
  ] as const) {
    const { stdout } = await pixelreduce(['get', output, key])
    expect((await sharp(stdout).raw().toBuffer()).equals(await plainSheet(pictures, 2, 40))).toBe(true)
  }
})

it('puts a group on one reducer, in the order of the keys and not of the inputs', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 40)
  const late = join(folder, 'late', 'set-0', 'p0000.jpg')
  await mkdir(dirname(late), { recursive: true })
  await rename(join(input, 'set-0/p0000.jpg'), late)
  const output = (name: string) => join(folder, name)
  const common = ['--group', '/p00(.)/', '--cell', '16', '--reducers', '3', '--progress', 'none']
  await runJobCommand(['contact-sheet', '-i', input, join(folder, 'late'), '-o', output('a'), ...common])
  await rename(late, join(input, 'set-0/p0000.jpg'))
  await runJobCommand(['contact-sheet', '-i', input, '-o', output('b'), ...common])

  const keys = ['0', '1', '2', '3'].map((group) => `${group}/sheet-0001`)
  expect((await keysOf(output('a'))).sort()).toEqual(keys)
  for (const key of keys) {
    const [a, b] = await Promise.all(['a', 'b'].map((name) => pixelreduce(['get', output(name), key])))
    expect(a!.stdout.length).toBeGreaterThan(0)
    expect(a!.stdout.equals(b!.stdout)).toBe(true)
  }
})

it('writes names below the pictures when asked', async () => {
  const folder = await temporaryFolder()
  const input = await photoFolder(join(folder, 'in'), { 'café 1.jpg': 'coffee.jpg' })
  const sizes: number[] = []
  for (const labels of [[], ['--labels']]) {
    const output = join(folder, `out${labels.length}`)
    const args = ['-i', input, '-o', output, '--cell', '120', '--format', 'png', '--background', 'black']
    expect((await runJobCommand(['contact-sheet', ...args, ...labels])).code).toBe(0)
    const { stdout } = await pixelreduce(['get', output, 'sheet-0001'])
    const { data, info } = await sharp(stdout).raw().toBuffer({ resolveWithObject: true })
    sizes.push(info.height)
    const below = data.subarray((GAP + 120) * info.width * 3)
    expect(new Set(below)).toEqual(new Set(labels.length > 0 ? [0, 255] : [0]))
  }
  expect(sizes).toEqual([136, 151])
})

it('refuses a template that is none before any work', async () => {
  const output = join(await temporaryFolder(), 'out')
  for (const [group, reason] of [
    ['{camera}', 'the placeholders are {dir}, {dir:1}, {name} and {ext}'],
    ['/(/', 'it is no regular expression'],
  ] as const) {
    const args = ['contact-sheet', '-i', EXAMPLES, '-o', output, '--group', group]
    const { code, stderr } = await runJobCommand(args)
    expect(code).toBe(2)
    expect(stderr).toContain(reason)
  }
})
