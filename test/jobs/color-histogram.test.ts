import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { EXAMPLES, exampleNames, photoFolder } from '../pictures.js'
import { jsonLines, pixelreduce } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { runEveryWay } from './same-output.js'

async function plainHistogram(group: string, pictures: readonly string[], bins: number) {
  const channels = [0, 1, 2].map(() => new Array<number>(bins).fill(0))
  let pixels = 0
  for (const picture of pictures) {
    const samples = await sharp(await readFile(join(EXAMPLES, picture)))
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw()
      .toBuffer()
    pixels += samples.length / 3
    for (const [at, sample] of samples.entries()) channels[at % 3]![Math.floor((sample / 256) * bins)]!++
  }
  const [red, green, blue] = channels
  return { group, pictures: pictures.length, pixels, red, green, blue }
}

it('counts the levels of all pictures as a line of JSON, the same however the work is divided', async () => {
  const { files } = await runEveryWay('color-histogram', await temporaryFolder(), ['--input', EXAMPLES])

  expect(Object.keys(files)).toEqual(['part-r-00000'])
  expect(jsonLines(files['part-r-00000']!.toString())).toEqual([
    await plainHistogram('', await exampleNames(), 16),
  ])
})

it('writes a line a group, in any number of bins, and draws it when asked', async () => {
  const folder = await temporaryFolder()
  const input = await photoFolder(join(folder, 'in'), {
    'cups/a.jpg': 'coffee.jpg',
    'cups/b.jpg': 'chelsea.jpg',
    'top.jpg': 'rocket.jpg',
  })
  const args = ['--input', input, '--group', '{dir}', '--bins', '10', '--plot']
  const { output, files } = await runEveryWay('color-histogram', folder, args)

  expect(jsonLines(files['part-r-00000']!.toString())).toEqual([
    await plainHistogram('', ['rocket.jpg'], 10),
    await plainHistogram('cups', ['coffee.jpg', 'chelsea.jpg'], 10),
  ])
  const exported = await pixelreduce(['export', join(output, 'plot-r-00000'), join(folder, 'plots')])
  expect(exported.code).toBe(0)
  for (const name of ['histogram.png', 'cups/histogram.png']) {
    const { width, height } = await sharp(join(folder, 'plots', name)).metadata()
    expect({ width, height }).toEqual({ width: 512, height: 288 })
  }
})
