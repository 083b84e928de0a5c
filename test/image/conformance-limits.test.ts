import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { photoFolder } from '../pictures.js'
import { jsonLines, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { animation } from './pictures.js'

test('each limit has a flag, and what is over it is set aside by the name of that flag', async () => {
  const folder = await temporaryFolder()
  const input = await photoFolder(join(folder, 'in'), {
    'fits.jpg': 'coffee.jpg',
    'heavy.jpg': 'retina.jpg',
    'large.png': 'moon.png',
  })
  await writeFile(join(input, 'long.gif'), await animation('gif'))
  const output = join(folder, 'out')
  const limits = ['--max-image-bytes', '200K', '--max-pixels', '250000', '--max-frames', '2']

  const { code, stderr } = await runJobCommand(['thumbnail', '-i', input, '-o', output, ...limits])

  expect(code, stderr).toBe(3)
  const told = jsonLines<{ key: string; reason: string }>(
    await readFile(join(output, '_quarantine/part-m-00000/_reasons.jsonl'), 'utf8'),
  )
  const mend = (flag: string) => `; raise ${flag} if you trust the picture`
  expect(told.map(({ reason }) => reason)).toEqual([
    `Cannot decode "heavy.jpg": it has 269564 bytes, the limit is 204800${mend('--max-image-bytes')}`,
    `Cannot decode "large.png": 512 x 512 pixels are 262144, the limit is 250000${mend('--max-pixels')}`,
    `Cannot decode "long.gif": it has more than 2 frames, the limit is 2${mend('--max-frames')}`,
  ])
})
