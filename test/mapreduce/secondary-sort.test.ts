import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runJob } from 'pixelreduce'
import { expect, it } from 'vitest'
import { smallPicture, treeOf } from '../pictures.js'
import { jsonLines, pixelreduce } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import cameraTimes from './jobs/camera-times.js'

const GAP = 12

/** Times of five cameras, by turns, with times of one to three digits. */
async function cameraFolder(folder: string) {
  const cameras = new Map<string, Map<number, Buffer>>()
  for (let index = 0; index < 90; index++) {
    const camera = `cam-${(index * 7) % 5}`
    const time = (index * 37) % 401
    const picture = await smallPicture(index, 8)
    await mkdir(join(folder, String(time)), { recursive: true })
    await writeFile(join(folder, String(time), `${camera}.jpg`), picture)
    cameras.set(camera, (cameras.get(camera) ?? new Map()).set(time, picture))
  }
  return cameras
}

it('gives a reducer the values of a group in the order asked for, and writes several outputs', async () => {
  const folder = await temporaryFolder()
  const input = join(folder, 'in')
  const cameras = await cameraFolder(input)
  const output = join(folder, 'out')
  const options = { input, params: { gap: GAP }, reducers: 2, splits: 7 }
  const result = await runJob(cameraTimes, { ...options, output })

  const text = async (name: string) =>
    (await Promise.all([0, 1].map((part) => readFile(join(output, `${name}-r-0000${part}`), 'utf8')))).join(
      '',
    )
  const counts = [...cameras].map(([camera, pictures]) => `${camera}\t${pictures.size}`)
  expect((await text('part')).trim().split('\n').sort()).toEqual(counts.sort())

  const gaps = [...cameras].flatMap(([camera, pictures]) => {
    const times = [...pictures.keys()].sort((a, b) => b - a)
    return times
      .slice(1)
      .map((time, at) => ({ key: camera, value: times[at]! - time }))
      .filter(({ value }) => value >= GAP)
  })
  const written = jsonLines<{ key: string; value: number }>(await text('gaps'))
  for (const camera of cameras.keys()) {
    const own = ({ key }: { key: string }) => key === camera
    expect(written.filter(own)).toEqual(gaps.filter(own))
  }
  expect(written.length).toBe(gaps.length)

  for (const [camera, pictures] of cameras) {
    const part = result.outputs?.newest?.find(
      ({ firstKey, lastKey }) => camera >= String(firstKey) && camera <= String(lastKey),
    )
    expect(part?.name).toMatch(/^newest-r-0000[01]$/)
    const found = await Promise.all(
      [0, 1].map((number) => pixelreduce(['get', join(output, `newest-r-0000${number}`), camera])),
    )
    const [newest] = found.filter(({ code }) => code === 0)
    expect(newest?.stdout.equals(pictures.get(Math.max(...pictures.keys()))!)).toBe(true)
  }
  expect(result.ledger).toMatchObject({ read: 90, emitted: 90, reduced: 90 })
  expect(result.ledger.written).toBe(cameras.size * 2 + gaps.length)
})

it('writes the same outputs however the work is divided', async () => {
  const folder = await temporaryFolder()
  const input = join(folder, 'in')
  await cameraFolder(input)
  const trees: Record<string, Buffer>[] = []
  for (const [number, way] of [{}, { splits: 1, workers: 1 }, { splits: 7, workers: 3 }].entries()) {
    const output = join(folder, `out-${number}`)
    await runJob(cameraTimes, { input, output, params: { gap: GAP }, reducers: 3, ...way })
    const files = Object.entries(await treeOf(output)).filter(([name]) => /^(part|newest|gaps)-/.test(name))
    trees.push(Object.fromEntries(files))
  }
  expect(Object.keys(trees[0]!).length).toBeGreaterThan(6)
  expect(trees[1]).toEqual(trees[0])
  expect(trees[2]).toEqual(trees[0])
})
