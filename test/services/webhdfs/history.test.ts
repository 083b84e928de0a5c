import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import type { HistoryEvent } from '../../../src/mapreduce/history/history-event.js'
import { manyPictures } from '../../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../../run-command.js'
import { temporaryFolder } from '../../temporary-folder.js'
import { namesIn, openWebHdfs, readFile } from './helpers.js'

const folder = '/history-test'

describe('a history on HDFS', () => {
  let fs: WebHdfsFileSystem
  const at = (name: string) => `${inject('hdfs').webhdfsUri}${folder}/${name}`

  beforeAll(async () => {
    fs = openWebHdfs(inject('hdfs').webhdfsUri)
    await fs.delete(folder, { recursive: true })
  })
  afterAll(async () => {
    await fs.delete(folder, { recursive: true })
  })

  it('is one file when the job has ended, and lies in the output too', async () => {
    const input = await manyPictures(join(await temporaryFolder(), 'in'), 20)
    const args = ['-i', input, '-o', at('out'), '--history-dir', at('whole'), '--splits', '3']
    expect((await runJobCommand(['thumbnail', ...args])).stderr).not.toMatch(/could not/)

    const [name, ...more] = await namesIn(fs, `${folder}/whole`)
    expect(more).toEqual([])
    const events = jsonLines<HistoryEvent>((await readFile(fs, `${folder}/whole/${name}`)).toString())
    expect(events[0]!.type).toBe('submitted')
    expect(events.at(-1)!.type).toBe('succeeded')
    expect(events.filter(({ type }) => type === 'task-finished').length).toBeGreaterThanOrEqual(3)
    expect(await namesIn(fs, `${folder}/out/_logs/history`)).toEqual([name])
    const [listed] = jsonLines(
      (await pixelreduce(['jobs', 'list', '--json', '--history-dir', at('whole')])).out,
    )
    expect(listed).toMatchObject({ state: 'succeeded', job: 'thumbnail', output: at('out') })
  })

  it('is read from its batches after a kill -9', async () => {
    const local = await temporaryFolder()
    const input = await manyPictures(join(local, 'in'), 30)
    const job = join(local, 'stuck.ts')
    await writeFile(
      job,
      `import { defineJob } from 'pixelreduce'
       import { setTimeout } from 'node:timers/promises'
       export default defineJob({ name: 'stuck', async map(image, { emit }) {
         if (image.key.endsWith('p0029.jpg')) await setTimeout(600_000)
         await emit(image.key, image.bytes)
       } })`,
    )
    const args = ['-i', input, '-o', join(local, 'out'), '--history-dir', at('killed'), '--splits', '3']
    const finished = async () => {
      for (;;) {
        const [name] = await namesIn(fs, `${folder}/killed`).catch(() => [])
        const logs = name && (await pixelreduce(['jobs', 'logs', name, '--history-dir', at('killed')])).out
        if (logs?.includes('m-00001 finished')) return
      }
    }
    let waiting: Promise<void> | undefined
    const { code } = await runJobCommand([job, ...args, '--workers', '1', '--progress', 'json'], {
      onStderr(_, kill) {
        waiting ??= finished().then(() => kill('SIGKILL'))
      },
    })
    await waiting
    expect(code).toBeNull()
    const [listed] = jsonLines(
      (await pixelreduce(['jobs', 'list', '--json', '--history-dir', at('killed')])).out,
    )
    expect(listed).toMatchObject({ state: 'lost', job: 'stuck' })
  })
})
