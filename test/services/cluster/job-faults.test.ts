import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { FleetKeys } from '../../../src/engines/cluster/fleet-keys.js'
import { registerJob } from '../../../src/engines/cluster/job-record.js'
import { jsonLines, pixelreduce, runJobCommand } from '../../run-command.js'
import { waitUntil } from '../wait-until.js'
import { atOne, expectNoKeys, FaultBench, KEYS } from './fault-job.js'
import { hiddenIn, recordsOf, TestFleet, type TestWorker } from './fleet.js'

process.env.PIXELREDUCE_FLEET_PATIENCE_MS = '3000'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Jobs that hang, or end their process, at one record. */
const poisonText = (poison: string) => `import { defineJob } from 'pixelreduce'
export default defineJob({
  name: 'poisoned',
  async map(image, { emit }) {
    if (image.key === 'p04.jpg') { ${poison} }
    await emit(image.key, image.bytes)
  },
})
`

describe('a job of a fleet', () => {
  let fleet: TestFleet
  let bench: FaultBench
  let input: string
  let hanging: string
  let exiting: string
  let aborting: string

  beforeAll(async () => {
    fleet = await TestFleet.open(inject('redis'))
    bench = await FaultBench.open(fleet.folder)
    input = bench.maps[2]!
    const write = async (name: string, poison: string) => {
      const path = join(fleet.folder, `${name}.ts`)
      await writeFile(path, poisonText(poison))
      return path
    }
    hanging = await write('hanging', 'while (true);')
    exiting = await write('exiting', 'process.exit(5)')
    aborting = await write('aborting', "process.kill(process.pid, 'SIGABRT'); while (true);")
    await fleet.start({ env: bench.environment }, { env: bench.environment })
  })
  afterAll(async () => {
    await fleet?.stop()
    await bench?.gate.close()
  })

  const expectNothingLeft = async () => {
    expect(await hiddenIn(bench.folder)).toEqual([])
    await expectNoKeys(fleet)
  }
  const areIdle = async () =>
    (await Promise.all(fleet.workers.map((worker) => fleet.recordOf(worker)))).every(
      (record) => record?.running.length === 0,
    )

  it('is helped by a worker that joins, within 2 s', async () => {
    let joined: TestWorker | undefined
    let tookMs = 0
    const done = await bench.run(
      fleet,
      bench.maps,
      atOne(fleet, 'driver', KEYS, async () => {
        ;[joined] = await fleet.start({ env: bench.environment })
        const startMs = performance.now()
        await waitUntil('it has a task', async () => (await fleet.recordOf(joined!))!.running.length > 0)
        tookMs = performance.now() - startMs
      }),
    )
    expect(tookMs).toBeLessThan(2000)
    await bench.expectDone(fleet, done)
    await joined!.kill()
    fleet.workers.pop()
  })

  it('is killed within 2 s on every node, whatever its records do', async () => {
    const output = bench.newOutput()
    const running = fleet.run([hanging, '-i', input, '-o', output, '--splits', '18'])
    const jobId = await waitForJob()
    await waitUntil('the record hangs', async () =>
      (await fleet.liveWorkers()).some(({ running }) => running.some(({ seconds }) => seconds > 0.5)),
    )
    const startMs = performance.now()
    expect(await pixelreduce(['jobs', 'kill', jobId, ...fleet.flags])).toMatchObject({ code: 0 })
    await waitUntil('nothing runs any more', areIdle)
    expect(await running).toMatchObject({ code: 1, stderr: expect.stringMatching(/it was killed/) })
    expect(performance.now() - startMs).toBeLessThan(3500)
    expect((await fleet.jobs())[0]).toMatchObject({ state: 'killed' })
    await expectNothingLeft()
  })

  it('fails of a record that hangs on a thread, and sets it aside in a process', async () => {
    const args = (output: string) => [
      hanging,
      '-i',
      input,
      '-o',
      output,
      '--splits',
      '6',
      '--task-timeout',
      '1s',
    ]
    const failed = await fleet.run(args(bench.newOutput()))
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /failed in each of 4 attempts: .*no progress for 1 s, which --task-timeout/,
      ),
    })
    expect(await fleet.show()).toMatch(/[4-6] failed attempts/)
    const output = bench.newOutput()
    const local = join(fleet.folder, 'hanging.local')
    const [done] = await Promise.all([
      fleet.run([...args(output), '--isolation', 'process']),
      runJobCommand([...args(local), '--isolation', 'process']),
    ])
    expect(done).toMatchObject({ code: 3, out: expect.stringMatching(/18 in, 17 out, 1 quarantined/) })
    expect(await recordsOf(output)).toEqual(await recordsOf(local))
    await expectNothingLeft()
  })

  it('goes on beside one that ends its processes, which fails', async () => {
    const outputs = [bench.newOutput(), bench.newOutput()]
    const [done, exited, aborted] = await Promise.all([
      bench.run(fleet, bench.maps, {}),
      fleet.run([exiting, '-i', input, '-o', outputs[0]!]),
      fleet.run([aborting, '-i', input, '-o', outputs[1]!]),
    ])
    expect(exited).toMatchObject({ code: 1, stderr: expect.stringMatching(/its thread ended|died/) })
    expect(aborted).toMatchObject({ code: 1, stderr: expect.stringMatching(/died \(SIGABRT\)/) })
    await bench.expectDone(fleet, done)
    expect(fleet.workers.every(({ running }) => running)).toBe(true)
  })

  it('shares a fleet with others by their priorities', async () => {
    const slow = join(fleet.folder, 'slow.ts')
    // The work of a record, the same for both.
    await writeFile(
      slow,
      poisonText('').replace(
        'await emit',
        'await new Promise((done) => setTimeout(done, 100))\n    await emit',
      ),
    )
    const run = async (priority: string) => {
      const args = [
        slow,
        '-i',
        input,
        '-o',
        bench.newOutput(),
        '--splits',
        '18',
        '--priority',
        priority,
        '--json',
      ]
      const { out } = await fleet.run(args)
      const { jobId } = JSON.parse(out)
      const logs = await pixelreduce(['jobs', 'logs', jobId, '--json', ...fleet.flags])
      const events = jsonLines<{ type: string; time: string; taskId?: string }>(logs.out)
      const timesOf = (type: string) =>
        events.filter((each) => each.type === type && each.taskId?.startsWith('m-')).map(({ time }) => time)
      return { started: timesOf('task-started'), finished: timesOf('task-finished') }
    }
    const [low, high] = await Promise.all([run('1'), run('3')])
    expect([low.finished.length, high.finished.length]).toEqual([18, 18])
    // A third as many, roughly, as long as the favoured one runs.
    const meanwhile = low.finished.filter((time) => time >= high.started[0]! && time <= high.finished.at(-1)!)
    expect(meanwhile.length).toBeLessThan(14)
    await expectNothingLeft()
  })

  it('has no two attempts at once with --max-workers 1', async () => {
    let now = 0
    let most = 0
    const errands = Object.fromEntries(
      KEYS.map((key) => [
        key,
        async (from: URLSearchParams) => {
          const { length } = await runningAttempts(from)
          now = length
          most = Math.max(most, now)
        },
      ]),
    )
    await bench.expectDone(fleet, await bench.run(fleet, [...bench.maps, '--max-workers', '1'], errands))
    expect(most).toBe(1)
  })

  it('goes on without its client, and ends with Ctrl-C', async () => {
    const start = (signal: NodeJS.Signals, output: string) => {
      let isSent = false
      return runJobCommand([...bench.maps, '-o', output, '--progress', 'plain', ...fleet.flags], {
        onStderr(text, kill) {
          if (isSent || !text.includes('planned')) return
          isSent = true
          kill(signal)
        },
      })
    }
    bench.gate.environment({})
    const output = bench.newOutput()
    await start('SIGKILL', output)
    await waitUntil('the job is done', async () => (await fleet.jobs())[0]!.state === 'succeeded')
    expect(await recordsOf(output)).toEqual(bench.expected.maps)
    await expectNothingLeft()

    let interrupt: (() => void) | undefined
    bench.gate.environment({
      async [KEYS[5]!]() {
        await waitUntil('the client is attached', async () => interrupt !== undefined)
        interrupt!()
        // The record is never mapped to its end.
        await new Promise(() => {})
      },
    })
    const args = [...bench.maps, '-o', bench.newOutput(), '--progress', 'plain', ...fleet.flags]
    const killed = await runJobCommand(args, {
      onStderr: (_, kill) => {
        interrupt = () => kill('SIGINT')
      },
    })
    expect(killed).toMatchObject({ code: 130 })
    expect((await fleet.jobs())[0]).toMatchObject({ state: 'killed' })
    await expectNothingLeft()
  })

  it('finishes what a worker has begun that is asked to end, or hands it back', async () => {
    for (const [timeout, isGivenBack] of [
      ['20s', false],
      ['1s', true],
    ] as const) {
      const [worker] = await fleet.start({ env: bench.environment, args: ['--drain-timeout', timeout] })
      let ending: Promise<void> | undefined
      const done = await bench.run(
        fleet,
        bench.maps,
        atOne(fleet, worker!, KEYS, async () => {
          ending = worker!.kill('SIGTERM')
          const isDraining = async () => (await fleet.recordOf(worker!))?.isDraining !== false
          await (isGivenBack ? ending : waitUntil('it drains', isDraining))
        }),
      )
      await ending
      await bench.expectDone(fleet, done)
      expect(await worker!.log()).toMatch(
        isGivenBack ? /giving \d attempts? back/ : /waiting for \d attempts?/,
      )
      if (isGivenBack) expect(await fleet.show()).toMatch(/its worker has given it back/)
      else expect(await fleet.show()).not.toMatch(/lost /)
      fleet.workers.pop()
    }
  })

  it('waits for a worker of its own version, which the others are not', async () => {
    const other = await TestFleet.open(fleet.url)
    const package9 = join(fleet.folder, 'nine')
    await mkdir(package9)
    await cp(join(ROOT, 'dist'), join(package9, 'dist'), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(package9, 'node_modules'))
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    await writeFile(join(package9, 'package.json'), JSON.stringify({ ...manifest, version: '9.0.0' }))
    try {
      await other.start({ bin: join(package9, 'dist', 'bin', 'pixelreduce.cjs') })
      const running = bench.run(other, bench.maps, {})
      await waitUntil('it says why', async () => {
        const { out } = await pixelreduce(['workers', ...other.flags])
        return /can't work for job_\S+: it runs pixelreduce 9\.0\.0, the job was submitted by/.test(out)
      })
      expect(await other.jobs()).toMatchObject([{ state: 'submitted', epoch: 0 }])
      await other.start({ env: bench.environment })
      await bench.expectDone(other, await running)
      expect((await other.recordOf(other.workers[0]!))!.attempts).toEqual({ done: 0, failed: 0 })
    } finally {
      await other.stop()
    }
  })

  it('is refused where a worker does not see its folder', async () => {
    const other = await TestFleet.open(fleet.url)
    try {
      const by = [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount -t tmpfs t "$1"; shift; exec "$@"',
        'sh',
        bench.folder,
      ]
      const [blind] = await other.start({ by })
      const refused = new RegExp(
        `Cannot use \\S+ with this fleet: worker ${blind!.workerId} on \\S+ does not see it`,
      )
      const alone = await other.run([...bench.maps, '-o', bench.newOutput()])
      expect(alone).toMatchObject({ code: 2, stderr: expect.stringMatching(refused) })
      await other.start({})
      const beside = await other.run([...bench.maps, '-o', bench.newOutput()])
      expect(beside).toMatchObject({ code: 2, stderr: expect.stringMatching(refused) })
      expect(await hiddenIn(bench.folder)).toEqual([])
      await expectNoKeys(other)
    } finally {
      await other.stop()
    }
  })

  it('runs with the secret of the fleet alone', async () => {
    const other = await TestFleet.open(fleet.url)
    try {
      const env = { ...bench.environment, PIXELREDUCE_SECRET: 'right' }
      await other.start({ env }, { env })
      for (const [secret, why] of [
        ['', /it is not signed, and this worker has a secret/],
        ['wrong', /it is signed with another PIXELREDUCE_SECRET/],
      ] as const) {
        const refused = await other.run([...bench.maps, '-o', bench.newOutput()], {
          env: { PIXELREDUCE_SECRET: secret },
        })
        expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(why) })
        expect(await hiddenIn(bench.folder)).toEqual([])
      }
      const output = bench.newOutput()
      const keys = new FleetKeys(other.name)
      // A right job, of which the fleet is told wrong things while it runs.
      bench.gate.environment({
        async [KEYS[4]!]() {
          const [right] = await other.jobs()
          const { jobId } = right!
          const forged = { ...right!, jobId: 'job_20200101000000000_abcdef', epoch: 0 }
          await registerJob(other.redis, keys, forged)
          const queue = new Queue(`${jobId}-1`, { connection: other.redis, prefix: keys.queuePrefix })
          for (const taskId of ['m-00000', '../../../../forged']) {
            await queue.add('attempt', { taskId, epoch: 1, attempt: 7 }, { jobId: `${taskId}_1_7` })
          }
          await queue.close()
          await waitUntil('the forged job is refused', async () => {
            const records = await Promise.all(other.workers.map((worker) => other.recordOf(worker)))
            return records.some((record) => record?.refused[forged.jobId] !== undefined)
          })
        },
      })
      const done = await other.run([...bench.maps, '-o', output], { env: { PIXELREDUCE_SECRET: 'right' } })
      expect([done.code, await recordsOf(output)]).toEqual([3, bench.expected.maps])
      await waitUntil('the forged job has ended', async () => (await other.activeJob()) === undefined)
      expect((await other.jobs()).map(({ state }) => state).sort()).toContain('failed')
      expect(await hiddenIn(bench.folder)).toEqual([])
      await expectNoKeys(other)
    } finally {
      await other.stop()
    }
  })

  it('makes the same bytes whoever is killed, and when', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = randomFrom(seed)
      const kills = 1 + Math.floor(random() * 2)
      const victims = Array.from({ length: kills }, () => KEYS[Math.floor(random() * KEYS.length)]!)
      const errands = Object.fromEntries(
        victims.map((key) => [
          key,
          async () => {
            const worker = fleet.workers[Math.floor(random() * fleet.workers.length)]!
            await worker.kill()
            void worker.start()
          },
        ]),
      )
      await bench.expectDone(fleet, await bench.run(fleet, bench.maps, errands))
      await waitUntil('all workers are back', async () => (await fleet.liveWorkers()).length >= 2)
    }
  })

  async function waitForJob(): Promise<string> {
    let jobId: string | undefined
    await waitUntil('there is a job', async () => {
      jobId = await fleet.activeJob()
      return jobId !== undefined
    })
    return jobId!
  }

  /** Attempts whose folders are there, of whichever worker. */
  async function runningAttempts(_: URLSearchParams): Promise<string[]> {
    const [job] = await hiddenIn(bench.folder)
    return namesOf(join(bench.folder, job!, 'attempts'))
  }
})

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

async function namesOf(folder: string): Promise<string[]> {
  return readdir(folder)
}
