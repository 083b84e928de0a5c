import { spawn } from 'node:child_process'
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { JobSummary } from '../../src/mapreduce/history/job-summary.js'
import type { SuccessFile } from '../../src/mapreduce/output/success-file.js'
import { manyPictures, photoFolder, treeOf } from '../pictures.js'
import { jsonLines, type Outcome, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** An own folder of histories, and the commands that look at it. */
async function workplace() {
  const folder = await temporaryFolder()
  const env = { PIXELREDUCE_HISTORY_DIR: join(folder, 'history'), CALLS: join(folder, 'calls.txt') }
  const at = (...names: string[]) => join(folder, ...names)
  return {
    at,
    env,
    run: (...args: string[]) => runJobCommand(args, { env }),
    jobs: (...args: string[]) => pixelreduce(['jobs', ...args], { env }),
    async job(name: string, body: string): Promise<string> {
      const path = at(`${name}.ts`)
      await writeFile(path, body)
      return path
    },
    async listed(): Promise<JobSummary[]> {
      return jsonLines<JobSummary>((await pixelreduce(['jobs', 'list', '--json'], { env })).out)
    },
    /** What the jobs of a test were called with since the last time somebody asked. */
    async calls(): Promise<string[]> {
      const text = await readFile(env.CALLS, 'utf8').catch(() => '')
      await rm(env.CALLS, { force: true })
      return text.split('\n').filter((line) => line !== '')
    },
  }
}

const keysOf = async (output: string) =>
  jsonLines<{ key: string }>((await pixelreduce(['ls', output, '--json'])).out).map(({ key }) => key)

const successOf = async (output: string) =>
  JSON.parse(await readFile(join(output, '_SUCCESS'), 'utf8')) as SuccessFile

function inShell(line: string, env: Record<string, string>): Promise<Outcome> {
  const child = spawn('sh', ['-c', line], { cwd: root, env: { ...process.env, ...env } })
  let out = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout: Buffer.from(out), out, stderr }))
  })
}

/** Notes each record that it is called with, and throws for one. */
const failing = (input: string, isBad: string) => `import { appendFileSync } from 'node:fs'
  import { defineJob, keyValueTextInput, textInput, recordInput, Text, BytesWritable, z } from 'pixelreduce'
  export default defineJob({
    name: 'failing', ${input}
    params: z.object({ note: z.string().default('none'), loud: z.boolean().default(true) }),
    async map(record, { params, emit }) {
      appendFileSync(process.env.CALLS, [record.key, params.note, params.loud].join(' ') + '\\n')
      if (${isBad}) throw new TypeError('on purpose')
      await emit(String(record.key), Buffer.from('x'))
    } })`

describe('jobs list and show', () => {
  it('tell of jobs that succeeded and failed, the newest first, by the ends of their ids', async () => {
    const { at, run, jobs, listed } = await workplace()
    await photoFolder(at('in'), { 'a.jpg': 'coffee.jpg', 'b.jpg': 'rocket.jpg' })
    await run('thumbnail', '-i', at('in'), '-o', at('out'), '--size', '32')
    await writeFile(at('in/bad.jpg'), 'bad')
    await run('thumbnail', '-i', at('in'), '-o', at('failed'), '--max-bad', '0')

    const table = (await jobs('list')).out.split('\n')
    expect(table[0]).toMatch(/^ID +JOB +STATE +WHEN +TOOK +RECORDS +OUTPUT$/)
    const [failed, succeeded] = await listed()
    expect([succeeded!.state, failed!.state]).toEqual(['succeeded', 'failed'])
    expect(succeeded).toMatchObject({ job: 'thumbnail', output: at('out'), ledger: { read: 2 } })

    const shown = await jobs('show', succeeded!.jobId.slice(-6))
    expect(shown.out).toMatch(/succeeded.*"size":32.*1 of 1 map task done.*2 in, 2 out, 0 quarantined/s)
    expect(shown.out).toMatch(/Map-Reduce Framework:.*Map input records=2/)
    const why = await jobs('show', failed!.jobId.slice(-6))
    expect(why.out).toMatch(/Root cause: Cannot decode "bad.jpg"/)
    expect(why.out).toMatch(/operation {2}map\n {2}record {5}bad.jpg\n/)
    expect(why.out).toMatch(/attempt {4}0 of task m-00000 on /)
    expect(why.out).toMatch(/\n {6}at /)

    expect(await jobs('show', 'nothing')).toMatchObject({ code: 2 })
    expect((await jobs('show', 'job')).stderr).toMatch(/no history of such a job/)
    expect(await jobs('list', '--history-dir', at('none'))).toMatchObject({ code: 0, out: '' })
    expect(await jobs('frobnicate')).toMatchObject({ code: 2 })
  })
})

describe('the line that jobs show gives', () => {
  const pictureKeys = { 'a b.jpg': 'coffee.jpg', "c'd/-x.jpg": 'rocket.jpg', 'e.jpg': 'moon.png' }

  async function replay(
    place: Awaited<ReturnType<typeof workplace>>,
    job: string,
    ...args: string[]
  ): Promise<{ first: string[]; again: string[]; outcome: Outcome }> {
    const failed = await place.run(job, ...args, '-o', place.at('out'), '--on-error', 'fail')
    expect(failed.code).toBe(1)
    const first = await place.calls()
    const [{ jobId }] = (await place.listed()) as [JobSummary]
    const shown = await place.jobs('show', jobId.slice(-4))
    const line = shown.out.split('\n').find((each) => each.includes('npx run-job'))!
    const outcome = await inShell(line.trim(), place.env)
    return { first, again: await place.calls(), outcome }
  }

  async function pictureInput(place: Awaited<ReturnType<typeof workplace>>, kind: string): Promise<string[]> {
    await photoFolder(place.at('in'), pictureKeys)
    if (kind === 'a folder') return ['-i', place.at('in')]
    if (kind === 'a glob') return ['-i', place.at('in/**/*.jpg')]
    if (kind === 'several') {
      await photoFolder(place.at('other'), pictureKeys)
      return ['-i', place.at('other'), place.at('in')]
    }
    const format = kind === 'a SequenceFile' ? 'sequencefile' : 'mapfile'
    await place.run('pack', '-i', place.at('in'), '-o', place.at('packed'), '--output-format', format)
    return ['-i', place.at('packed/part-m-00000')]
  }

  it.each([
    'a folder',
    'a glob',
    'several',
    'a MapFile',
    'a SequenceFile',
  ])('runs the job over the one picture of %s that failed, with its params', async (kind) => {
    const place = await workplace()
    const job = await place.job('failing', failing('', `record.key.endsWith('-x.jpg')`))
    const input = await pictureInput(place, kind)
    const flags = ['--note', "it's $HOME", '--no-loud', '--workers', '1']
    const { outcome, again } = await replay(place, job, ...input, ...flags)
    expect(outcome.stderr).toMatch(/Cannot map "c'd\/-x.jpg": on purpose/)
    expect(outcome.code).toBe(1)
    expect(again).toEqual(["c'd/-x.jpg it's $HOME false"])
  })

  it.each([
    ['text', 'input: textInput(),', `record.value === 'line 70'`],
    ['key-value text', 'input: keyValueTextInput(" "),', `record.value === '70'`],
  ])('runs it over the one line of %s', async (_, input, isBad) => {
    const place = await workplace()
    await mkdir(place.at('in'))
    await writeFile(place.at('in/a.txt'), Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(''))
    await writeFile(place.at('in/b.txt'), Array.from({ length: 50 }, (_, i) => `line ${i + 50}\n`).join(''))
    const job = await place.job('failing', failing(input, isBad))
    const flags = ['-i', place.at('in'), '--split-size', '100', '--workers', '1']
    const { outcome, again } = await replay(place, job, ...flags)
    expect(outcome.stderr).toMatch(/Cannot map ".*b.txt:160": on purpose/)
    expect(again).toHaveLength(1)
  })

  it('runs it over the one record of a MapFile of any classes', async () => {
    const place = await workplace()
    await manyPictures(place.at('in'), 50)
    await place.run('pack', '-i', place.at('in'), '-o', place.at('packed'))
    const job = await place.job(
      'failing',
      failing('input: recordInput(Text, BytesWritable),', `record.key === 'set-0/p0033.jpg'`),
    )
    const { outcome, again } = await replay(place, job, '-i', place.at('packed'), '--split-size', '5K')
    expect(outcome.stderr).toMatch(/Cannot map ".*part-m-00000:\d+": on purpose/)
    expect(again).toEqual(['set-0/p0033.jpg none true'])
  })

  it('reduces the one key that failed, whichever records have a value for it', async () => {
    const place = await workplace()
    await mkdir(place.at('in'))
    const lines = Array.from({ length: 60 }, (_, i) => `k${i % 7} ${i}\n`)
    await writeFile(place.at('in/a.txt'), lines.join(''))
    const job = await place.job(
      'failing',
      `import { appendFileSync } from 'node:fs'
       import { defineJob, keyValueTextInput, LongWritable, Text } from 'pixelreduce'
       export default defineJob({
         name: 'failing', input: keyValueTextInput(' '), reducers: 2,
         shuffle: { key: Text, value: Text }, output: { key: Text, value: Text },
         async map(record, { emit }) { await emit(record.key, record.value) },
         async reduce(key, values, { emit }) {
           const all = []
           for await (const value of values) all.push(value)
           appendFileSync(process.env.CALLS, key + ' ' + all.length + '\\n')
           if (key === 'k5') throw new TypeError('on purpose')
           await emit(key, all.join())
         } })`,
    )
    const { outcome, again } = await replay(place, job, '-i', place.at('in'), '--split-size', '100')
    expect(outcome.stderr).toMatch(/Cannot reduce "k5": on purpose/)
    expect(new Set(again)).toEqual(new Set(['k5 8']))
    const other = await place.run(job, '-i', place.at('in'), '-o', place.at('one'), '--reduce-only', 'k1')
    expect(other.out).toMatch(/60 in, 1 out, .*51 filtered; the ledger balances/)
    await photoFolder(place.at('pictures'), pictureKeys)
    expect(await place.run('thumbnail', '-i', place.at('pictures'), '--reduce-only', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it has no reducer'),
    })
  })

  it('says that no record has the key, where none has', async () => {
    const { at, run } = await workplace()
    await photoFolder(at('in'), pictureKeys)
    await run('pack', '-i', at('in'), '-o', at('packed'))
    for (const input of [at('in'), at('packed')]) {
      const outcome = await run('thumbnail', '-i', input, '-o', at('out'), '--only', 'none.jpg')
      expect(outcome.stderr).toMatch(/Cannot read the record "none.jpg": the input has none of that key/)
      expect(outcome.code).toBe(2)
    }
  })
})

describe('jobs kill', () => {
  it('ends a job, which cleans up, and says why it can not where it can not', async () => {
    const { at, env, jobs, job, listed } = await workplace()
    await manyPictures(at('in'), 10)
    const slow = await job(
      'slow',
      `import { defineJob } from 'pixelreduce'
       import { setTimeout } from 'node:timers/promises'
       export default defineJob({ name: 'slow', map: () => setTimeout(600_000) })`,
    )
    let killing: Promise<Outcome> | undefined
    const args = [slow, '-i', at('in'), '-o', at('out'), '--progress', 'json']
    const { code } = await runJobCommand(args, {
      env,
      onStderr(text) {
        if (!text.includes('"mapping"')) return
        killing = listed().then(([running]) => {
          expect(running!.state).toBe('mapping')
          return jobs('kill', running!.jobId.slice(-6))
        })
      },
    })
    expect((await killing)!.out).toMatch(/process \d+ was asked to end; it cleans up first/)
    expect(code).toBe(143)
    const [{ jobId, state }] = (await listed()) as [JobSummary]
    expect(state).toBe('killed')
    expect(Object.keys(await treeOf(at('in')))).toHaveLength(10)
    expect(await jobs('kill', jobId)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/it has ended already, it is killed/),
    })

    const history = at('history', `${jobId}.jsonl`)
    const [submitted] = (await readFile(history, 'utf8')).split('\n') as [string]
    const pretend = async (change: object) => {
      const event = JSON.parse(submitted)
      await writeFile(history, `${JSON.stringify({ ...event, driver: { ...event.driver, ...change } })}\n`)
      return (await jobs('kill', jobId)).stderr
    }
    expect(await pretend({})).toMatch(/its process \d+ is gone; the job is lost/)
    expect(await pretend({ host: 'elsewhere' })).toMatch(
      /it runs on elsewhere, process \d+; run this command there/,
    )
    expect(await pretend({ pid: process.pid })).toMatch(/is gone/)
    expect(await pretend({ pid: process.pid, identity: undefined, program: 'server.js' })).toMatch(
      /it runs inside of server.js/,
    )
  })
})

describe('jobs retry --failed', () => {
  /** Fails for every third picture while a marker is missing; what the marker says fails for ever. */
  const mending = (marker: string) => `import { existsSync, readFileSync } from 'node:fs'
    import { defineJob, z } from 'pixelreduce'
    export default defineJob({
      name: 'mending', params: z.object({ suffix: z.string().default('') }),
      map(image, { params, emit }) {
        const number = Number(/(\\d+).jpg$/.exec(image.key)[1])
        if (number % 3 === 0) {
          if (!existsSync('${marker}')) throw new Error('the marker is missing')
          if (readFileSync('${marker}', 'utf8').includes(image.key)) throw new Error('it is hopeless')
        }
        return emit(image.key + params.suffix, image.bytes)
      } })`

  async function quarantined(...flags: string[]) {
    const place = await workplace()
    const input = await manyPictures(place.at('in'), 60)
    const marker = place.at('marker')
    const job = await place.job('mending', mending(marker))
    const output = place.at('out')
    const run = (to: string) => place.run(job, '-i', input, '-o', to, '--max-bad', '50%', ...flags)
    const first = await run(output)
    expect(first.code).toBe(3)
    expect((await successOf(output)).ledger).toMatchObject({ read: 60, mapped: 40, quarantined: 20 })
    return { ...place, marker, output, input, run }
  }

  async function expectSound(output: string, read: number): Promise<SuccessFile> {
    expect((await pixelreduce(['verify', output])).stderr).toMatch(/no faults/)
    const success = await successOf(output)
    const { mapped, filtered, quarantined, skipped, emitted, written } = success.ledger
    expect(success.ledger.read).toBe(read)
    expect(mapped + filtered + quarantined + skipped).toBe(read)
    expect(written).toBe(success.ledger.reduceEmitted ?? emitted)
    expect(success.parts.reduce((sum, part) => sum + part.records, 0)).toBe(written)
    return success
  }

  it.each([
    ['one part', []],
    ['parts by ranges of keys', ['--splits', '12', '--part-size', '20K']],
    ['parts of reducers', ['--reducers', '3']],
  ])('puts what was mended into %s, as if it had never failed', async (_, flags) => {
    const { marker, output, jobs, at, run, listed } = await quarantined(...flags)
    await writeFile(marker, '')
    const { code, out, stderr } = await jobs('retry', '--failed', output)
    expect(stderr).not.toMatch(/Cannot/)
    expect(code).toBe(0)
    expect(out).toMatch(/60 in, 60 out, 0 quarantined; the ledger balances/)

    const success = await expectSound(output, 60)
    expect(success.quarantine).toEqual([])
    expect(success.retries).toMatchObject([{ ledger: { read: 20, mapped: 20 } }])
    expect((await run(at('whole'))).code).toBe(0)
    const whole = await successOf(at('whole'))
    expect(success.partitioning).toBe(whole.partitioning)
    if (success.parts.length === whole.parts.length) {
      const digests = ({ parts }: SuccessFile) =>
        parts.map(({ name, digest, records }) => [name, digest, records])
      expect(digests(success)).toEqual(digests(whole))
    }
    expect((await keysOf(output)).sort()).toEqual((await keysOf(at('whole'))).sort())
    const { stdout } = await pixelreduce(['get', output, 'set-0/p0033.jpg'])
    expect(stdout.equals(await readFile(at('in/set-0/p0033.jpg')))).toBe(true)
    const logs = Object.keys(await treeOf(join(output, '_logs/history')))
    expect(logs).toHaveLength(2)
    expect((await listed())[1]).toMatchObject({ state: 'succeeded', output })
    expect((await jobs('retry', '--failed', output)).out).toMatch(/nothing is set aside/)
  })

  it('keeps what fails again, and takes flags after --', async () => {
    const { marker, output, jobs, listed } = await quarantined()
    const [{ jobId }] = (await listed()) as [JobSummary]
    await writeFile(marker, 'set-0/p0009.jpg set-0/p0030.jpg')
    const first = await jobs('retry', '--failed', jobId.slice(-6), '--', '--suffix', '!', '--workers', '1')
    expect(first.code).toBe(3)
    const success = await expectSound(output, 60)
    expect(success.ledger).toMatchObject({ mapped: 58, quarantined: 2 })
    expect(await keysOf(join(output, '_quarantine/part-m-00000'))).toEqual([
      'set-0/p0009.jpg',
      'set-0/p0030.jpg',
    ])
    const keys = await keysOf(output)
    expect(keys).toEqual([...keys].sort())
    expect(keys.filter((key) => key.endsWith('!'))).toHaveLength(18)

    await writeFile(marker, '')
    expect((await jobs('retry', '--failed', output)).code).toBe(0)
    expect((await expectSound(output, 60)).retries).toHaveLength(2)
    expect(await keysOf(output)).toHaveLength(60)
  })

  it('adds a part to an output that is no MapFile', async () => {
    const { marker, output, jobs } = await quarantined('--output-format', 'sequencefile')
    const before = await successOf(output)
    await writeFile(marker, '')
    expect((await jobs('retry', '--failed', output)).code).toBe(0)
    const { parts } = await expectSound(output, 60)
    expect(parts.slice(0, before.parts.length)).toEqual(before.parts)
    expect(await keysOf(output)).toHaveLength(60)
  })

  it('leaves the output as it is when a part is damaged or the retry fails', async () => {
    const { marker, output, jobs } = await quarantined('--splits', '12', '--part-size', '20K')
    const before = await treeOf(output)
    expect((await jobs('retry', '--failed', output)).code).toBe(3)
    const again = await treeOf(output)
    for (const [name, bytes] of Object.entries(before)) {
      if (name.startsWith('part-')) expect(again[name]).toEqual(bytes)
    }
    await appendFile(join(output, 'part-m-00000/data'), 'x')
    const damaged = await treeOf(output)
    await writeFile(marker, '')
    const { code, stderr } = await jobs('retry', '--failed', output)
    expect(stderr).toMatch(/part-m-00000/)
    expect(code).toBe(1)
    expect(await treeOf(output)).toEqual(damaged)
  })

  it('looks up lines that failed in the text itself', async () => {
    const place = await workplace()
    await mkdir(place.at('in'))
    await writeFile(place.at('in/a.txt'), Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(''))
    const job = await place.job(
      'lines',
      `import { existsSync } from 'node:fs'
       import { defineJob, textInput } from 'pixelreduce'
       export default defineJob({ name: 'lines', input: textInput(), map({ key, value }, { emit }) {
         if (value.endsWith('7') && !existsSync('${place.at('marker')}')) throw new Error('no marker')
         return emit(value, Buffer.from(String(key)))
       } })`,
    )
    const args = ['-i', place.at('in'), '-o', place.at('out'), '--max-bad', '50%']
    expect((await place.run(job, ...args)).code).toBe(3)
    await writeFile(place.at('marker'), '')
    expect((await place.jobs('retry', '--failed', place.at('out'))).code).toBe(0)
    await expectSound(place.at('out'), 50)
    expect(await keysOf(place.at('out'))).toHaveLength(50)
  })

  it('says what it can not do', async () => {
    const { at, jobs, job, run } = await workplace()
    await manyPictures(at('in'), 3)
    await writeFile(at('in/bad.jpg'), 'bad')
    const sums = await job(
      'sums',
      `import { defineJob } from 'pixelreduce'
       export default defineJob({ name: 'sums', async map(image, { emit }) { await image.decode?.(); if (image.bytes.length < 9) throw new Error('short'); return emit('all', image.bytes) },
         async reduce(key, values, { emit }) { for await (const value of values) await emit(key, value) } })`,
    )
    await run(sums, '-i', at('in'), '-o', at('out'))
    expect(await jobs('retry', at('out'))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/say --failed/),
    })
    expect((await jobs('retry', '--failed', at('out'))).stderr).toMatch(
      /its reducers have made one value of many/,
    )
    expect(await jobs('retry', '--failed', at('in'))).toMatchObject({ code: 2 })
  })
})
