import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HistoryEvent } from '../../src/mapreduce/history/history-event.js'
import type { SuccessFile } from '../../src/mapreduce/output/success-file.js'
import { manyPictures, photoFolder } from '../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

/** A folder with pictures to run jobs over, and one for their histories. */
async function workplace(pictures: number) {
  const folder = await temporaryFolder()
  const history = join(folder, 'history')
  const input = await manyPictures(join(folder, 'in'), pictures)
  const run = (job: string, output: string, ...flags: string[]) =>
    runJobCommand([job, '-i', input, '-o', join(folder, output), '--history-dir', history, ...flags])
  return { folder, history, input, run }
}

async function onlyHistory(folder: string): Promise<{ jobId: string; events: HistoryEvent[] }> {
  const [name, ...more] = await readdir(folder)
  expect(more).toEqual([])
  return {
    jobId: name!.replace('.jsonl', ''),
    events: jsonLines<HistoryEvent>(await readFile(join(folder, name!), 'utf8')),
  }
}

const typesOf = (events: HistoryEvent[]) =>
  events.map((event) => (event.type === 'state' ? event.state : event.type))

describe('the history of a job', () => {
  it('tells all of it in order, and lies in the output too', async () => {
    const { folder, history, input, run } = await workplace(40)
    await run('thumbnail', 'out', '--size', '16', '--splits', '2', '--workers', '1')

    const { jobId, events } = await onlyHistory(history)
    const types = typesOf(events)
    expect(types.slice(0, 4)).toEqual(['submitted', 'planning', 'planned', 'mapping'])
    expect(types.slice(-2)).toEqual(['succeeded', 'succeeded'])
    const tasks = (type: string) =>
      events.flatMap((event) => (event.type === type && 'taskId' in event ? event.taskId : []))
    // Two maps, and what joins their parts.
    expect(tasks('task-started').sort()).toEqual(['j-00000', 'm-00000', 'm-00001'])
    expect(tasks('task-finished').sort()).toEqual(['j-00000', 'm-00000', 'm-00001'])
    expect(events[0]).toMatchObject({
      jobId,
      job: 'thumbnail',
      source: 'thumbnail',
      params: { given: { size: 16 }, complete: { size: 16, quality: 80 } },
      inputs: [input],
      output: join(folder, 'out'),
      driver: { pid: expect.any(Number), host: expect.any(String), user: expect.any(String) },
    })
    const planned = events.find((event) => event.type === 'planned')!
    expect(planned.tasks.map((task) => task.records)).toHaveLength(2)
    expect(events.find((event) => event.type === 'task-finished')).toMatchObject({
      attempt: 0,
      ms: expect.any(Number),
      read: expect.any(Number),
      bad: 0,
    })
    const success = JSON.parse(await readFile(join(folder, 'out/_SUCCESS'), 'utf8')) as SuccessFile
    expect(success.jobId).toBe(jobId)
    expect(events.at(-1)).toMatchObject({
      type: 'succeeded',
      ledger: success.ledger,
      counterGroups: success.counterGroups,
    })

    const copy = await readFile(join(folder, 'out/_logs/history', `${jobId}.jsonl`), 'utf8')
    const copied = jsonLines<HistoryEvent>(copy)
    expect(copied.slice(0, -1)).toEqual(events.slice(0, copied.length - 1))
    expect(copied.at(-1)).toMatchObject({ type: 'succeeded', ledger: success.ledger })
    expect((await pixelreduce(['verify', join(folder, 'out')])).code).toBe(0)
    expect((await pixelreduce(['ls', join(folder, 'out'), '--json'])).out.split('\n')).toHaveLength(41)
  })

  it('is whole after a kill -9 of the driver: what was told stands in it', async () => {
    const { folder, history, input } = await workplace(60)
    const job = join(folder, 'stuck.ts')
    await writeFile(
      job,
      `import { defineJob } from 'pixelreduce'
       import { setTimeout } from 'node:timers/promises'
       export default defineJob({ name: 'stuck', async map(image, { emit }) {
         if (image.key.endsWith('p0055.jpg')) await setTimeout(600_000)
         await emit(image.key, image.bytes)
       } })`,
    )
    let told = ''
    const args = ['-i', input, '-o', join(folder, 'out'), '--history-dir', history, '--progress', 'json']
    const { code } = await runJobCommand([job, ...args, '--splits', '6', '--workers', '1'], {
      onStderr(text, kill) {
        told += text
        if (told.includes('"type":"task-finished"')) kill('SIGKILL')
      },
    })
    expect(code).toBeNull()

    const { jobId, events } = await onlyHistory(history)
    const before = jsonLines<HistoryEvent>(told.slice(0, told.lastIndexOf('\n')))
    for (const event of before) {
      if (event.type !== 'task-finished') continue
      expect(events).toContainEqual(expect.objectContaining({ type: event.type, taskId: event.taskId }))
    }
    expect(before.some((event) => event.type === 'task-finished')).toBe(true)
    const [listed] = jsonLines((await pixelreduce(['jobs', 'list', '--json', '--history-dir', history])).out)
    expect(listed).toMatchObject({ jobId, job: 'stuck', state: 'lost' })
    const logs = await pixelreduce(['jobs', 'logs', jobId.slice(-6), '--history-dir', history])
    expect(logs.out).toMatch(/submitted stuck.*planned 60 records.*task m-0000\d finished/s)
  })

  it('passes over a line that was cut off, and begins a new one after it', async () => {
    const { folder, history, run } = await workplace(5)
    await run('thumbnail', 'out')
    const { jobId } = await onlyHistory(history)
    const file = join(history, `${jobId}.jsonl`)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.slice(0, -20))
    const { code, out } = await pixelreduce(['jobs', 'show', jobId, '--history-dir', history])
    expect(code).toBe(0)
    expect(out).toContain(join(folder, 'out'))
  })

  it('lies in the state folder where nobody says otherwise', async () => {
    const folder = await temporaryFolder()
    await photoFolder(join(folder, 'in'), { 'a.jpg': 'coffee.jpg' })
    const env = { PIXELREDUCE_HISTORY_DIR: '', XDG_STATE_HOME: join(folder, 'state') }
    await runJobCommand(['pack', '-i', join(folder, 'in'), '-o', join(folder, 'out')], { env })
    const { events } = await onlyHistory(join(folder, 'state/pixelreduce/history'))
    expect(typesOf(events).at(-1)).toBe('succeeded')
  })

  it('does not fail a job when it cannot be written, and says so once', async () => {
    const { folder, history, run } = await workplace(10)
    await writeFile(history, 'a file is in the way')
    const { code, stderr } = await run('thumbnail', 'out', '--splits', '3')
    expect(code).toBe(0)
    expect(stderr.match(/could not write the job's history/g)).toHaveLength(1)
    expect(stderr).toContain(history)
    const { events } = await onlyHistory(join(folder, 'out/_logs/history'))
    expect(typesOf(events)).toContain('task-finished')
  })

  it('is removed when a thousand newer ones are there', async () => {
    const { history, run } = await workplace(2)
    await mkdir(history)
    const old = Array.from(
      { length: 1005 },
      (_, i) => `job_200001010000${String(i % 60).padStart(2, '0')}000_${(i + 0x100000).toString(16)}.jsonl`,
    )
    for (const name of old) await writeFile(join(history, name), '')
    await writeFile(join(history, 'notes.txt'), 'not a history')
    await run('thumbnail', 'out')
    const names = await readdir(history)
    expect(names.filter((name) => name.startsWith('job_'))).toHaveLength(1000)
    expect(names).toContain('notes.txt')
    expect(names).not.toContain([...old].sort()[5])
    expect(names).toContain([...old].sort()[6])
  })
})
