import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { EXAMPLES, exampleNames, photoFolder } from '../pictures.js'
import { pixelreduce } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { runEveryWay } from './same-output.js'

async function plainMean(pictures: readonly string[], width: number, height: number): Promise<Buffer> {
  const sums = new Array<number>(width * height * 3).fill(0)
  for (const picture of pictures) {
    const pixels = await sharp(await readFile(join(EXAMPLES, picture)))
      .resize(width, height, { fit: 'fill' })
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw()
      .toBuffer()
    for (const [at, sample] of pixels.entries()) sums[at]! += sample
  }
  return Buffer.from(sums.map((sum) => Math.round(sum / pictures.length)))
}

it('makes the mean of all pictures, the same however the work is divided', async () => {
  const { output } = await runEveryWay('mean-image', await temporaryFolder(), ['--input', EXAMPLES])

  const { stdout } = await pixelreduce(['get', output, 'mean'])
  const { data, info } = await sharp(stdout).raw().toBuffer({ resolveWithObject: true })
  expect(info).toMatchObject({ width: 256, height: 256, channels: 3 })
  expect(data.equals(await plainMean(await exampleNames(), 256, 256))).toBe(true)
})

it('makes one mean a group, in the size asked for', async () => {
  const folder = await temporaryFolder()
  const input = await photoFolder(join(folder, 'in'), {
    'cups/a.jpg': 'coffee.jpg',
    'cups/b.jpg': 'chelsea.jpg',
    'sky/a.png': 'moon.png',
  })
  const size = ['--width', '60', '--height', '40']
  const args = ['--input', input, '--group', '{dir}', ...size, '--reducers', '2']
  const { output } = await runEveryWay('mean-image', folder, args)

  for (const [key, pictures] of [
    ['cups/mean', ['coffee.jpg', 'chelsea.jpg']],
    ['sky/mean', ['moon.png']],
  ] as const) {
    const { stdout } = await pixelreduce(['get', output, key])
    const pixels = await sharp(stdout).raw().toBuffer()
    expect(pixels.equals(await plainMean(pictures, 60, 40))).toBe(true)
  }
})
