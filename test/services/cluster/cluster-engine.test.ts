import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { EXAMPLES, manyPictures } from '../../pictures.js'
import { jsonLines, pixelreduce, runJobCommand } from '../../run-command.js'
import { hiddenIn, recordsOf, TestFleet } from './fleet.js'

const THUMBNAILS = ['thumbnail', '--size', '16', '--splits', '12']

describe('the cluster engine', () => {
  let fleet: TestFleet
  let folder: string
  let input: string

  beforeAll(async () => {
    fleet = await TestFleet.open(inject('redis'))
    folder = join(fleet.folder, 'shared')
    await mkdir(folder)
    input = await manyPictures(join(folder, 'in'), 60)
    await writeFile(join(input, 'set-0', 'bad.jpg'), 'no picture')
    await fleet.start({ threads: 2 }, {})
  })

  afterAll(() => fleet.stop())

  it.each([
    ['map-only', THUMBNAILS],
    ['with reducers', [...THUMBNAILS, '--reducers', '3', '--sort-buffer', '1M']],
    ['of hashed keys', [...THUMBNAILS, '--reducers', '2', '--key', 'hash']],
    ['in processes of their own', [...THUMBNAILS, '--isolation', 'process']],
  ])('makes the bytes of the local engine: %s', async (name, job) => {
    const local = join(folder, `local ${name}`)
    const output = join(folder, `cluster ${name}`)
    expect((await runJobCommand([...job, '-i', input, '-o', local])).code).toBe(3)
    const { code, out, stderr } = await fleet.run([...job, '-i', input, '-o', output])
    expect([code, code === 3 ? '' : stderr]).toEqual([3, ''])
    expect(out).toMatch(/61 in, (60|120) out, 1 quarantined; the ledger balances/)
    expect(await recordsOf(output)).toEqual(await recordsOf(local))
    expect(await hiddenIn(folder)).toEqual([])
    expect(await fleet.keysLeft()).toEqual([])
  })

  it('runs a job of the user’s, which travels as a bundle', async () => {
    const job = join(folder, 'grey.ts')
    await writeFile(
      job,
      `import { hostname } from 'node:os'
      import { defineJob } from 'pixelreduce'
      export default defineJob({
        name: 'grey',
        async map(image, { emit, counter }) {
          counter('user', hostname() ? 'SEEN' : 'NONE').increment()
          if (process.env.PIXELREDUCE_SECRET || process.env.PIXELREDUCE_REDIS) throw new Error('it sees secrets')
          await emit(image.key, await image.pipeline().greyscale().jpeg().toBuffer())
        },
      })`,
    )
    const output = join(folder, 'grey')
    const { code, out, stderr } = await fleet.run([job, '-i', EXAMPLES, '-o', output, '--json'])
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('run-job:')])
    expect(JSON.parse(out)).toMatchObject({
      ledger: { read: 11, written: 11 },
      counterGroups: { user: { SEEN: 11 } },
    })
    await runJobCommand([job, '-i', EXAMPLES, '-o', join(folder, 'grey local')])
    expect(await recordsOf(output)).toEqual(await recordsOf(join(folder, 'grey local')))
  })

  it('says what is wrong before the fleet hears of it', async () => {
    const missing = await fleet.run(['thumbnail', '-i', join(folder, 'no-such'), '-o', join(folder, 'never')])
    expect(missing).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no-such: there is no such file or folder/),
    })
    const wrong = await fleet.run(['thumbnail', '-i', input, '-o', join(folder, 'never'), '--size', '0'])
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--size') })
    await mkdir(join(folder, 'there'))
    const there = await fleet.run(['thumbnail', '-i', input, '-o', join(folder, 'there')])
    expect(there).toMatchObject({ code: 2, stderr: expect.stringContaining('exists already') })
    expect(await hiddenIn(folder)).toEqual([])
  })

  it('tells of a Redis that is not there, and shows no password', async () => {
    const uri = 'redis://me:geheim@127.0.0.1:1'
    const { code, stderr } = await runJobCommand([
      ...THUMBNAILS,
      '-i',
      input,
      '-o',
      join(folder, 'o'),
      '--redis',
      uri,
    ])
    expect(code).toBe(1)
    expect(stderr).toMatch(/Cannot reach Redis at redis:\/\/me:\*\*\*@127\.0\.0\.1:1/)
    expect(stderr).not.toContain('geheim')
  })

  it('lets the client hang up and attach again', async () => {
    const output = join(folder, 'detached')
    const { code, out } = await fleet.run([...THUMBNAILS, '-i', input, '-o', output, '--detach', '--json'])
    expect(code).toBe(0)
    const { jobId } = JSON.parse(out)
    const followed = await pixelreduce(['jobs', 'follow', jobId, ...fleet.flags, '--progress', 'plain'])
    expect(followed.code).toBe(3)
    expect(followed.out).toContain('60 out, 1 quarantined; the ledger balances')
    expect(followed.stderr).toMatch(/planned: 61 pictures.*11 map tasks/)
    const listed = await fleet.jobs()
    expect(listed.find((job) => job.jobId === jobId)).toMatchObject({
      state: 'succeeded',
      job: 'thumbnail',
      output,
    })
    const shown = await pixelreduce(['jobs', 'show', jobId, ...fleet.flags])
    expect(shown.out).toMatch(/11 of 11 map tasks done/)
    expect((await pixelreduce(['jobs', 'logs', jobId, ...fleet.flags])).out).toMatch(/task m-00010 finished/)
  })

  it('shows its workers', async () => {
    const workers = await fleet.liveWorkers()
    expect(workers.map(({ threads }) => threads).sort()).toEqual([1, 2])
    const { out } = await pixelreduce(['workers', ...fleet.flags])
    expect(out).toMatch(/WORKER +HOST +THREADS +BUSY +IMAGES\/S/)
    for (const { workerId } of workers) expect(out).toContain(workerId)
  })

  it('keeps nothing of the user’s in Redis', async () => {
    const output = join(folder, 'private')
    let seen = ''
    const watching = fleet.redis.duplicate()
    await watching.psubscribe(`${fleet.name}:*`)
    watching.on('pmessage', (_pattern: string, _channel: string, text: string) => {
      seen += text
    })
    const looking = setInterval(async () => {
      for (const key of await fleet.redis.keys(`${fleet.name}:*`)) {
        const dump = await fleet.redis.dumpBuffer(key)
        seen += dump?.toString('latin1') ?? ''
      }
    }, 20)
    await fleet.run([...THUMBNAILS, '-i', input, '-o', output])
    clearInterval(looking)
    watching.disconnect()
    expect(seen).toContain('m-00001_1_0')
    expect(seen).not.toMatch(/p00\d\d\.jpg|bad\.jpg/)
  })

  it('counts maps near their data, and writes its history where all see it', async () => {
    const [history] = jsonLines<{ history: string }>(
      (await pixelreduce(['jobs', 'list', '--json', ...fleet.flags])).out,
    )
    expect(history!.history).toBe(process.env.PIXELREDUCE_HISTORY_DIR ?? join(folder, '_history'))
    expect(
      await readFile(join(history!.history, `${(await fleet.jobs())[0]!.jobId}.jsonl`), 'utf8'),
    ).toContain('"succeeded"')
  })
})
