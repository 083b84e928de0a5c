import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runJob, submitJob } from 'pixelreduce'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { JobEvent } from '../../src/mapreduce/driver/events.js'
import type { SuccessFile } from '../../src/mapreduce/output/success-file.js'
import { manyPictures, treeOf } from '../pictures.js'
import { jsonLines, runJobCommand } from '../run-command.js'
import { waitUntil } from '../services/wait-until.js'
import { temporaryFolder } from '../temporary-folder.js'

const PROCESS = ['--isolation', 'process', '--workers', '2']
const JOB_COUNTERS = 'org.apache.hadoop.mapreduce.JobCounter'

/** A job that copies its pictures, and does something else first. */
async function jobFile(folder: string, name: string, first: string, atLoad = ''): Promise<string> {
  const path = join(folder, `${name}.ts`)
  await writeFile(
    path,
    `import { defineJob } from 'pixelreduce'
     import { existsSync, writeFileSync } from 'node:fs'
     const folder = ${JSON.stringify(folder)}
     ${atLoad}
     export default defineJob({ name: '${name}', async map(image, { emit }) {
       ${first}
       await emit(image.key, image.bytes)
     } })`,
  )
  return path
}

/** The bytes that must not differ: parts and quarantine. */
async function dataOf(output: string): Promise<Record<string, string>> {
  const tree = Object.entries(await treeOf(output))
  const data = tree.filter(([name]) => name !== '_SUCCESS' && !name.startsWith('_logs'))
  return Object.fromEntries(data.map(([name, bytes]) => [name, bytes.toString('base64')]))
}

async function reasonsOf(output: string): Promise<{ key: string; reason: string }[]> {
  return jsonLines(await readFile(join(output, '_quarantine/part-m-00000/_reasons.jsonl'), 'utf8'))
}

async function jobCounters(output: string): Promise<Record<string, number>> {
  const success = JSON.parse(await readFile(join(output, '_SUCCESS'), 'utf8')) as SuccessFile
  return success.counterGroups![JOB_COUNTERS]!
}

describe('--isolation process', () => {
  it('writes the same bytes as threads, through a shuffle as well', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 60)
    await writeFile(join(input, 'set-0', 'bad.jpg'), 'bad')
    for (const more of [[], ['--reducers', '2']]) {
      const args = ['thumbnail', '-i', input, '--size', '32', '--split-size', '20K', ...more]
      const outputs: Record<string, string>[] = []
      for (const how of ['thread', 'process']) {
        const output = join(folder, `${how}-${more.length}`)
        const outcome = await runJobCommand([...args, '-o', output, '--isolation', how, '--workers', '2'])
        expect(outcome.code, outcome.stderr).toBe(3)
        outputs.push(await dataOf(output))
      }
      expect(outputs[1]).toEqual(outputs[0])
    }
  })

  it('sets the records aside whose process dies, and goes on with the rest', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 40)
    const killing = (keys: string) =>
      `if (/${keys}/.test(image.key)) process.kill(process.pid, image.key.includes('p0007') ? 'SIGSEGV' : 'SIGABRT')`
    const outputs: Record<string, string>[] = []
    // One task that meets both, and tasks that meet one each.
    for (const [index, splits] of ['1', '4'].entries()) {
      const job = await jobFile(folder, 'killing', killing('p0007|p0031'))
      const output = join(folder, `out-${index}`)
      const outcome = await runJobCommand([job, '-i', input, '-o', output, '--splits', splits, ...PROCESS])
      expect(outcome.code, outcome.stderr).toBe(3)
      expect(outcome.stderr).toMatch(/its process died \(SIGSEGV\); it was at/)
      expect(await reasonsOf(output)).toMatchObject([
        {
          key: 'set-0/p0007.jpg',
          reason: 'Cannot map "set-0/p0007.jpg": the process died (SIGSEGV) while it was mapped',
        },
        { key: 'set-0/p0031.jpg', reason: expect.stringContaining('the process died (SIGABRT)') },
      ])
      const { TOTAL_LAUNCHED_MAPS = 0, NUM_FAILED_MAPS = 0 } = await jobCounters(output)
      expect(TOTAL_LAUNCHED_MAPS - NUM_FAILED_MAPS).toBe(Number(splits))
      expect(NUM_FAILED_MAPS).toBeGreaterThanOrEqual(4)
      outputs.push(await dataOf(output))
    }
    const part = (name: string) => outputs.map((output) => output[name])
    expect(part('part-m-00000/data')[1]).toEqual(part('part-m-00000/data')[0])
    expect(part('_quarantine/part-m-00000/data')[1]).toEqual(part('_quarantine/part-m-00000/data')[0])
  })

  it('finds a line of text that kills, also while the keys are sampled', async () => {
    const folder = await temporaryFolder()
    const lines = Array.from({ length: 500 }, (_, index) => `line-${(index * 7919) % 500}`)
    await writeFile(join(folder, 'lines.txt'), lines.join('\n'))
    const job = join(folder, 'lines.ts')
    await writeFile(
      job,
      `import { defineJob, Text, textInput } from 'pixelreduce'
       export default defineJob({
         name: 'lines', input: textInput(), output: { key: Text, value: Text, format: 'text' },
         partition: 'total-order', reducers: 2,
         map(line, { emit }) {
           if (line.value === 'line-123') process.abort()
           emit(line.value, '')
         } })`,
    )
    const output = join(folder, 'out')
    const outcome = await runJobCommand([job, '-i', join(folder, 'lines.txt'), '-o', output, ...PROCESS])
    expect(outcome.code, outcome.stderr).toBe(3)
    expect(outcome.stderr).toMatch(/task s-00000 failed.*SIGABRT/)
    const names = Object.keys(await treeOf(output)).filter((name) => name.startsWith('part-r-'))
    const written = await Promise.all(names.sort().map((name) => readFile(join(output, name), 'utf8')))
    const found = written
      .join('')
      .split('\n')
      .map((line) => line.trim())
    expect(found.filter(Boolean)).toEqual(lines.filter((line) => line !== 'line-123').sort())
    expect((await reasonsOf(output)).map(({ reason }) => reason)).toEqual([
      expect.stringContaining('the process died (SIGABRT) while it was mapped'),
    ])
  })

  it('names the key at which a reducer dies', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 6)
    const job = join(folder, 'reducing.ts')
    await writeFile(
      job,
      `import { defineJob } from 'pixelreduce'
       export default defineJob({
         name: 'reducing',
         map: (image, { emit }) => emit(image.key, image.bytes),
         reduce(key) { if (key.includes('p0004')) process.abort() } })`,
    )
    const { code, stderr } = await runJobCommand([job, '-i', input, '-o', join(folder, 'out'), ...PROCESS])
    expect(code).toBe(1)
    expect(stderr).toMatch(/task r-00000: it failed in each of 4 attempts: .*SIGABRT.*it was at .*p0004/)
  })

  it('takes a process that dies once for nobody’s fault', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 20)
    const job = await jobFile(
      folder,
      'once',
      `if (image.key.includes('p0003') && !existsSync(folder + '/died')) {
         writeFileSync(folder + '/died', '')
         process.exit(9)
       }`,
    )
    const output = join(folder, 'out')
    const outcome = await runJobCommand([job, '-i', input, '-o', output, '--splits', '1', ...PROCESS])
    expect(outcome.code, outcome.stderr).toBe(0)
    expect(outcome.stderr).toMatch(/failed in attempt 0, trying again: .*its process died \(exit code 9\)/)
    expect(await jobCounters(output)).toMatchObject({ TOTAL_LAUNCHED_MAPS: 2, NUM_FAILED_MAPS: 1 })
  })

  it('fails after four attempts with one cause when the module itself kills', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 5)
    const atLoad = `if (process.send) process.kill(process.pid, 'SIGSEGV')`
    const job = await jobFile(folder, 'unloadable', '', atLoad)
    const { code, stderr } = await runJobCommand([job, '-i', input, '-o', join(folder, 'out'), ...PROCESS])
    expect(code).toBe(1)
    expect(stderr).toMatch(/Cannot finish task m-00000: it failed in each of 4 attempts: .*\(SIGSEGV\)/)
    expect(stderr.match(/failed in attempt/g)).toHaveLength(4)
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })

  it('ends an endless loop at --task-timeout, and sets its record aside', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 12)
    const job = await jobFile(folder, 'looping', `if (image.key.includes('p0005')) for (;;);`)
    const output = join(folder, 'out')
    const args = [job, '-i', input, '-o', output, '--splits', '1', '--task-timeout', '1500ms', ...PROCESS]
    const { code, stderr } = await runJobCommand(args)
    expect(code, stderr).toBe(3)
    expect(stderr).toMatch(/attempt \d of task m-00000: it made no progress for 1.5 s, .*p0005/)
    expect(await reasonsOf(output)).toMatchObject([
      {
        key: 'set-0/p0005.jpg',
        reason: expect.stringMatching(/no progress for 1.5 s, which --task-timeout/),
      },
    ])
  })

  it('cleans up on Ctrl-C', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 12)
    const job = await jobFile(
      folder,
      'looping',
      `writeFileSync(folder + '/pid', String(process.pid)); for (;;);`,
    )
    const running = spawn(
      process.execPath,
      [bin, job, '-i', input, '-o', join(folder, 'out'), ...PROCESS],
      // As a terminal does it: the signal goes to the whole group.
      { detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    await waitUntil('a process works', async () => existsSync(join(folder, 'pid')))
    process.kill(-running.pid!, 'SIGINT')
    const [code] = (await once(running, 'exit')) as [number]
    expect(code).toBe(130)
    expect(isRunning(Number(await readFile(join(folder, 'pid'), 'utf8')))).toBe(false)
    const left = Object.keys(await treeOf(folder)).filter((name) => !name.startsWith('in/'))
    expect(left.sort()).toEqual(['looping.ts', 'pid'])
  })

  it('leaves no process behind when the driver is killed, even one in an endless loop', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 12)
    const job = await jobFile(
      folder,
      'looping',
      `writeFileSync(folder + '/looping-' + process.pid, ''); for (;;);`,
    )
    const driver = spawn(
      process.execPath,
      [bin, job, '-i', input, '-o', join(folder, 'out'), '--splits', '2', ...PROCESS],
      { stdio: 'ignore' },
    )
    onTestFinished(() => void driver.kill('SIGKILL'))
    let children: number[] = []
    await waitUntil('two processes loop', async () => {
      children = childrenOf(driver.pid!)
      return children.filter((pid) => existsSync(join(folder, `looping-${pid}`))).length === 2
    })
    driver.kill('SIGKILL')
    await once(driver, 'exit')
    await waitUntil('they are gone', async () => !children.some(isRunning), { deadlineMs: 10_000 })
  })
})

describe('--record-timeout', () => {
  for (const how of ['thread', 'process']) {
    it(`sets a record aside whose map never settles, with ${how} isolation`, async () => {
      const folder = await temporaryFolder()
      const input = await manyPictures(join(folder, 'in'), 12)
      const job = await jobFile(
        folder,
        'hanging',
        `if (image.key.includes('p0005')) await new Promise((resolve) => setTimeout(resolve, 1e8))`,
      )
      const output = join(folder, 'out')
      const args = [job, '-i', input, '-o', output, '--record-timeout', '1s', '--isolation', how]
      const { code, stderr } = await runJobCommand([...args, '--workers', '2'])
      expect(code, stderr).toBe(3)
      expect(await reasonsOf(output)).toMatchObject([
        {
          key: 'set-0/p0005.jpg',
          reason: 'Cannot map "set-0/p0005.jpg": it was not done within 1 s, which --record-timeout allows',
        },
      ])
    })
  }

  it('ends also a record that lets nothing else run, in a process', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 12)
    const job = await jobFile(folder, 'looping', `if (image.key.includes('p0005')) for (;;);`)
    const output = join(folder, 'out')
    const { code, stderr } = await runJobCommand([
      job,
      '-i',
      input,
      '-o',
      output,
      '--record-timeout',
      '1s',
      ...PROCESS,
    ])
    expect(code, stderr).toBe(3)
    expect((await reasonsOf(output)).map(({ key }) => key)).toEqual(['set-0/p0005.jpg'])
  })
})

describe('--task-timeout', () => {
  it('ends the thread of an endless loop, and the job after four attempts', async () => {
    const folder = await temporaryFolder()
    const input = await manyPictures(join(folder, 'in'), 12)
    const job = await jobFile(folder, 'looping', `if (image.key.includes('p0005')) for (;;);`)
    const args = [job, '-i', input, '-o', join(folder, 'out'), '--splits', '1', '--task-timeout', '1s']
    const { code, stderr } = await runJobCommand([...args, '--workers', '2'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /task m-00000: it failed in each of 4 attempts: .*no progress for 1 s, which --task-timeout allows/,
    )
    expect(stderr).toMatch(/--isolation process/)
  })
})

for (const how of ['thread', 'process']) {
  it(`lets a record, and a key, take longer than --task-timeout that tell of their progress (${how})`, async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'in.txt'), 'slow')
    const job = join(folder, 'slow.ts')
    await writeFile(
      job,
      `import { defineJob, Text, textInput } from 'pixelreduce'
       export default defineJob({
         name: 'slow', input: textInput(), shuffle: { key: Text, value: Text },
         output: { key: Text, value: Text, format: 'text' },
         async map(line, { emit, progress }) {
           // A loop that lets nothing else run, and a wait.
           const half = Date.now() + 2250
           while (Date.now() < half) progress()
           for (let i = 0; i < 9; i++) await new Promise((resolve) => setTimeout(resolve, 250)).then(progress)
           emit(line.value, 'mapped')
         },
         async reduce(key, values, { emit, progress }) {
           for (let i = 0; i < 18; i++) await new Promise((resolve) => setTimeout(resolve, 250)).then(progress)
           for await (const value of values) emit(key, value)
         } })`,
    )
    const args = [job, '-i', join(folder, 'in.txt'), '-o', join(folder, 'out'), '--task-timeout', '1500ms']
    const { code, stderr } = await runJobCommand([...args, '--isolation', how, '--workers', '2'])
    expect(code, stderr).toBe(0)
    expect(stderr).not.toMatch(/failed in attempt/)
    expect(await readFile(join(folder, 'out/part-r-00000'), 'utf8')).toBe('slow\tmapped\n')
  })
}

describe('speculation', () => {
  for (const isolation of ['thread', 'process'] as const) {
    it(`starts a second attempt beside one that hangs, and the first commit wins (${isolation})`, async () => {
      const folder = await temporaryFolder()
      const input = await manyPictures(join(folder, 'in'), 40)
      const hanging = `if (image.key.includes('p0033') && !existsSync(folder + '/hangs')) {
         writeFileSync(folder + '/hangs', '')
         await new Promise((resolve) => setTimeout(resolve, 1e8))
       }`
      const job = await jobFile(folder, 'hanging', hanging)
      const options = {
        input,
        isolation,
        workers: 4,
        splits: 5,
        speculation: { afterMs: 200, slowerBy: 1.1 },
      }
      const handle = await submitJob(job, { ...options, output: join(folder, 'first') })
      const events: JobEvent[] = []
      for await (const event of handle.progress) events.push(event)
      const result = await handle.done
      expect(result.ledger).toMatchObject({ read: 40, written: 40 })
      // On a busy machine another task may have looked slow as well.
      const speculated = events.flatMap((event) => (event.type === 'task-speculated' ? [event.taskId] : []))
      const given = events.flatMap((event) =>
        event.type === 'task-killed' && event.attempt === 0 ? [event.taskId] : [],
      )
      expect(given.length).toBeGreaterThan(0)
      expect(speculated).toEqual(expect.arrayContaining(given))
      expect(events.filter((event) => event.type === 'task-failed')).toEqual([])
      expect(result.counterGroups[JOB_COUNTERS]!.NUM_KILLED_MAPS).toBeGreaterThanOrEqual(1)

      const again = await runJob(job, { ...options, output: join(folder, 'again'), speculation: false })
      expect(again.counterGroups[JOB_COUNTERS]).toEqual({ TOTAL_LAUNCHED_MAPS: 5 })
      expect(await dataOf(join(folder, 'first'))).toEqual(await dataOf(join(folder, 'again')))
    })
  }
})

it('tells what a job waits for when nothing moves', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 3)
  const hanging = `if (image.key.includes('p0001')) await new Promise((resolve) => setTimeout(resolve, 1e8))`
  const job = await jobFile(folder, 'hanging', hanging)
  const handle = await submitJob(job, { input, output: join(folder, 'out'), quietMs: 500 })
  for await (const event of handle.progress) {
    if (event.type !== 'no-progress') continue
    const [{ running } = { running: [] }] = event.running
    if (running.length === 0) continue
    expect(event.running).toEqual([
      { taskId: 'm-00000', attempt: 0, running: [{ ordinal: 1, key: 'set-0/p0001.jpg' }] },
    ])
    handle.kill('the test has seen enough')
  }
  await expect(handle.done).rejects.toThrow('the test has seen enough')
})

const bin = fileURLToPath(new URL('../../dist/bin/run-job.cjs', import.meta.url))

function childrenOf(pid: number): number[] {
  const lines = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number))
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child!)
}

/** Gone, or dead and not yet reaped. */
function isRunning(pid: number): boolean {
  try {
    return !/^Z/.test(execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim())
  } catch {
    return false
  }
}
