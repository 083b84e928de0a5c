import { randomUUID } from 'node:crypto'
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile as readLocal,
  readlink,
  writeFile as writeLocal,
} from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { type Outcome, pixelreduce, runJobCommand } from '../../run-command.js'
import { connectHdfs, type HdfsClient } from '../hdfs.js'
import { type Redis, startRedis } from '../redis.js'
import { requireProgram } from '../require-program.js'
import { runCommand } from '../run-command.js'
import { waitUntil } from '../wait-until.js'
import type { Errand } from '../webhdfs/gate.js'
import { digest, namesIn, openWebHdfs, treeIn, writeFile } from '../webhdfs/helpers.js'
import { type Fate, HttpRelay } from '../webhdfs/http-relay.js'
import { TcpProxy } from '../webhdfs/tcp-proxy.js'
import { atOne, expectNoKeys, FaultBench, KEYS, REDUCE_KEYS } from './fault-job.js'
import { hiddenIn, recordsOf, TestFleet, type TestWorker } from './fleet.js'

process.env.PIXELREDUCE_FLEET_PATIENCE_MS = '3000'

describe('a fleet whose workers die', () => {
  let fleet: TestFleet
  let bench: FaultBench

  beforeAll(async () => {
    fleet = await TestFleet.open(inject('redis'))
    bench = await FaultBench.open(fleet.folder)
    const env = bench.environment
    await fleet.start({ env }, { env }, { env })
  })
  afterEach(() => fleet.startAll())
  afterAll(async () => {
    await fleet?.stop()
    await bench?.gate.close()
  })

  it.each([
    ['a map', 'other', 1],
    ['a map and the driving of its job', 'driver', 2],
  ] as const)('loses a worker in the middle of %s', async (_, kind, drivers) => {
    const done = await bench.run(
      fleet,
      bench.maps,
      atOne(fleet, kind, KEYS, (worker) => worker.kill()),
    )
    await bench.expectDone(fleet, done)
    const shown = await fleet.show()
    if (drivers === 1) {
      expect(shown).toMatch(/lost +Cannot finish attempt 0 of task m-0000\d: its worker .*has said nothing/)
    }
    expect(shown.match(/, process \d+, from/g)?.length ?? 1).toBe(drivers)
    const [job] = await fleet.jobs()
    expect(job).toMatchObject({ state: 'succeeded', epoch: drivers })
  })

  it.each([
    ['a reduce', 'other', 1],
    ['a reduce and the driving of its job', 'driver', 2],
  ] as const)('loses a worker in the middle of %s', async (_, kind, drivers) => {
    const done = await bench.run(
      fleet,
      bench.reduces,
      atOne(fleet, kind, REDUCE_KEYS, (worker) => worker.kill()),
    )
    await bench.expectDone(fleet, done, bench.expected.reduces)
    const [job] = await fleet.jobs()
    expect(job).toMatchObject({ state: 'succeeded', epoch: drivers })
  })

  it.each([
    'other',
    'driver',
  ] as const)('fences a worker that was stopped and goes on later: the %s', async (kind) => {
    let stopped: TestWorker | undefined
    const done = await bench.run(
      fleet,
      bench.maps,
      atOne(fleet, kind, KEYS, async (worker) => {
        stopped = worker
        worker.pause('SIGSTOP')
      }),
    )
    await bench.expectDone(fleet, done)
    const [before] = await fleet.jobs()
    stopped!.pause('SIGCONT')
    // It has found out about everything when it says again that it works on nothing.
    await waitUntil('the worker is back', async () => {
      const record = await fleet.recordOf(stopped!)
      return record !== undefined && record.running.length === 0 && record.driving.length === 0
    })
    expect((await fleet.jobs())[0]).toEqual(before)
    expect(await recordsOf(done.output)).toEqual(bench.expected.maps)
    expect(await hiddenIn(bench.folder)).toEqual([])
    await expectNoKeys(fleet)
    expect(await fleet.show()).toMatch(/succeeded/)
  })
})

describe('a fleet that is cut off from Redis', () => {
  let redis: Redis
  let fleet: TestFleet
  let bench: FaultBench
  let relay: TcpProxy
  let cutOff: TestWorker

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true })
    relay = await TcpProxy.start(redis.port)
    fleet = await TestFleet.open(redis.url)
    bench = await FaultBench.open(fleet.folder)
    const env = bench.environment
    const workers = await fleet.start({ env }, { env }, { env, redis: `redis://127.0.0.1:${relay.port}` })
    cutOff = workers[2]!
  })
  afterAll(async () => {
    await fleet?.stop()
    await Promise.all([relay?.stop(), redis?.stop(), bench?.gate.close()])
  })

  it('goes on when Redis was killed, in the middle of maps and of reduces', async () => {
    const restart = async () => {
      await redis.kill()
      await redis.start()
    }
    const at = { [KEYS[4]!]: restart, [REDUCE_KEYS[6]!]: restart }
    await bench.expectDone(fleet, await bench.run(fleet, bench.reduces, at), bench.expected.reduces)
  })

  it('goes on when Redis has lost all it knew', async () => {
    const loseAll = () => fleet.redis.flushall()
    const at = { [KEYS[4]!]: loseAll, [REDUCE_KEYS[6]!]: loseAll }
    await bench.expectDone(fleet, await bench.run(fleet, bench.reduces, at), bench.expected.reduces)
  })

  it.each([
    ['whose connections break', () => relay.cut()],
    [
      'that gets no answers any more',
      () => {
        relay.stalled = true
      },
    ],
  ])('finishes without a worker %s', async (_, cut) => {
    const done = await bench.run(
      fleet,
      bench.maps,
      atOne(fleet, cutOff, KEYS, async () => {
        relay.refusing = true
        cut()
        // Nothing of the worker's own is released before the others have done without it.
        const isAway = async () => (await fleet.recordOf(cutOff)) === undefined
        await waitUntil('the worker is missed', isAway)
      }),
    )
    await bench.expectDone(fleet, done)
    relay.refusing = false
    relay.stalled = false
    relay.cut()
    await waitUntil('the worker is back', async () => (await fleet.recordOf(cutOff))?.running.length === 0)
    expect((await fleet.jobs())[0]).toMatchObject({ state: 'succeeded' })
    expect(await hiddenIn(bench.folder)).toEqual([])
    await expectNoKeys(fleet)
  })
})

/** Enough for HDFS, where each takes several requests; one is bad. */
const FEW_KEYS = KEYS.slice(4, 10)

describe('a fleet whose nodes have trouble of their own', () => {
  let fleet: TestFleet
  let bench: FaultBench
  let hdfs: HdfsClient
  let fs: WebHdfsFileSystem
  let relay: HttpRelay
  let input: string
  let expected: Record<string, string>

  beforeAll(async () => {
    const address = inject('hdfs')
    hdfs = connectHdfs(address)
    fs = openWebHdfs(address.webhdfsUri)
    relay = await HttpRelay.start(address.httpUri)
    fleet = await TestFleet.open(inject('redis'))
    bench = await FaultBench.open(fleet.folder)
    input = `webhdfs://${hdfs.user}@localhost:${relay.port}/${fleet.name}/in`
    await fs.mkdirs(`/${fleet.name}/in`)
    const [job] = bench.maps
    const localInput = join(fleet.folder, 'few')
    await mkdir(localInput)
    for (const key of FEW_KEYS) {
      const bytes = Buffer.alloc(2000, key)
      await writeFile(fs, `/${fleet.name}/in/${key}`, bytes)
      await writeLocal(join(localInput, key), bytes)
    }
    await fleet.start({ env: bench.environment }, { env: bench.environment })
    const local = join(fleet.folder, 'few.local')
    await runJobCommand([job!, '-i', localInput, '-o', local, '--splits', '3'])
    expected = await recordsOf(local)
  })
  afterEach(async () => {
    relay.decide = () => 'pass'
    for (const worker of fleet.workers.splice(2)) await worker.kill()
    await fleet.startAll()
  })
  afterAll(async () => {
    await fleet?.stop()
    await fs?.delete(`/${fleet.name}`, { recursive: true })
    await Promise.all([relay?.stop(), bench?.gate.close()])
  })

  const onHdfs = (path: string) => `/${fleet.name}/${path}`
  const uri = (path: string) => `webhdfs://${hdfs.user}@localhost:${relay.port}${onHdfs(path)}`

  async function runOnHdfs(at: Record<string, Errand> = {}): Promise<Outcome> {
    const [job] = bench.maps
    const run = [job!, '-i', input, '-o', uri('work/out'), '--splits', '3', '--progress', 'plain']
    bench.gate.environment(at)
    const outcome = await fleet.run(run)
    bench.gate.requirePassed()
    return outcome
  }

  async function expectOutput(outcome: Outcome): Promise<void> {
    expect(outcome.stderr).not.toMatch(/^run-job: /m)
    expect(outcome.out).toMatch(/6 in, 5 out, 1 quarantined; the ledger balances/)
    const { _SUCCESS: _, ...files } = await treeIn(fs, onHdfs('work/out'))
    const records = Object.entries(files).filter(([name]) => !name.startsWith('_logs/'))
    const wanted = Object.entries(expected).map(([name, bytes]) => [
      name,
      digest(Buffer.from(bytes, 'base64')),
    ])
    expect(Object.fromEntries(records)).toEqual(Object.fromEntries(wanted))
    expect(await pixelreduce(['verify', hdfs.webhdfsUri + onHdfs('work/out')])).toMatchObject({ code: 0 })
    expect((await namesIn(fs, onHdfs('work'))).filter((name) => name !== '_history')).toEqual(['out'])
    await expectNoKeys(fleet)
    await fs.delete(onHdfs('work'), { recursive: true })
  }

  it.each([
    ['while it lists the input', 'lose the request', /LISTSTATUS.* .*\/in$/],
    ['when a join commits', 'lose the answer', /RENAME .*\/attempts\/j-/],
    ['when it puts the output together', 'lose the request', /RENAME .*\/committed\//],
    ['when it publishes the output', 'lose the request', /RENAME .*\/output$/],
    ['when it has published the output', 'lose the answer', /RENAME .*\/output$/],
  ] as const)('loses the driver %s', async (_, fate, moment) => {
    let killed: TestWorker | undefined
    relay.decide = async (op, url): Promise<Fate> => {
      if (killed || !moment.test(`${op} ${url.pathname}`)) return 'pass'
      killed = await fleet.driver()
      if (!killed) return 'pass'
      if (fate === 'lose the request') await killed.kill()
      else setImmediate(() => void killed?.kill())
      return fate
    }
    await expectOutput(await runOnHdfs())
    expect(killed).toBeDefined()
    expect((await fleet.jobs())[0]).toMatchObject({ state: 'succeeded' })
  })

  it('fences a driver that was stopped in the middle of its commit', async () => {
    let stopped: TestWorker | undefined
    let wake = () => {}
    const isOver = new Promise<void>((resolve) => {
      wake = resolve
    })
    let isAnswered: Promise<unknown> | undefined
    relay.decide = async (op, url): Promise<Fate> => {
      if (stopped || op !== 'RENAME' || !url.pathname.endsWith('/output')) return 'pass'
      stopped = await fleet.driver()
      stopped!.pause('SIGSTOP')
      isAnswered = isOver
      await isOver
      return 'pass'
    }
    const outcome = await runOnHdfs()
    const [before] = await fleet.jobs()
    expect(before).toMatchObject({ state: 'succeeded', epoch: 2 })
    wake()
    stopped!.pause('SIGCONT')
    await isAnswered
    await waitUntil('it drives nothing any more', async () => {
      const record = await fleet.recordOf(stopped!)
      return record !== undefined && record.driving.length === 0
    })
    expect((await fleet.jobs())[0]).toEqual(before)
    await expectOutput(outcome)
  })

  it('finishes without a worker that does not reach the NameNode', async () => {
    // Of its own: what it takes for the NameNode's host is nobody's address, from when the test says so.
    const hosts = join(fleet.folder, 'hosts')
    await writeLocal(hosts, '127.0.0.1 localhost\n')
    const [broken] = await fleet.start({
      env: { ...bench.environment, PIXELREDUCE_RETRY_FOR_MS: '500' },
      by: ['unshare', '--mount', 'sh', '-c', 'mount --bind "$1" /etc/hosts; shift; exec "$@"', 'sh', hosts],
    })
    const outcome = await runOnHdfs(
      atOne(fleet, broken!, FEW_KEYS, () => writeLocal(hosts, '127.0.0.99 localhost\n')),
    )
    await expectOutput(outcome)
  })

  it('finishes without a worker whose own disk is full, and not without the disk of all', async () => {
    const full = join(fleet.folder, 'full')
    const history = join(fleet.folder, 'history')
    await mkdir(full)
    await mkdir(history)
    const [worker] = await fleet.start({
      env: { ...bench.environment, TMPDIR: full },
      by: [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount -t tmpfs -o size=1m,nr_inodes=40 t "$1"; shift; exec "$@"',
        'sh',
        full,
      ],
    })
    const disk = new FilledDisk(`/proc/${worker!.processId}/root${full}`)
    let isFilled: Promise<void> | undefined
    const fillAndKill = async (from: URLSearchParams) => {
      await disk.fill(from.get('pid')!)
      process.kill(Number(from.get('pid')), 'SIGKILL')
    }
    const hasTrouble = async () => /has trouble: .*no space is left/.test(await textIn(history))
    const at = Object.fromEntries(
      KEYS.map((key): [string, Errand] => [
        key,
        async (from) => {
          if (await isWithinProcess(from.get('worker'), worker!.processId!)) {
            isFilled ??= fillAndKill(from)
            return isFilled
          }
          // The others leave it what it needs to meet its trouble.
          await waitUntil('it has trouble', hasTrouble, { intervalMs: 20 })
        },
      ]),
    )
    const done = await bench.run(
      fleet,
      [...bench.maps, '--isolation', 'process', '--history-dir', history],
      at,
    )
    await bench.expectDone(fleet, done)
    expect(await fleet.show()).toMatch(/lost .*has trouble: .*no space is left on the device/)
    await disk.close()

    await fs.mkdirs(onHdfs('work'))
    await hdfs.setQuota(onHdfs('work'), { spaceBytes: 1 })
    const outcome = await runOnHdfs()
    await hdfs.setQuota(onHdfs('work'), { spaceBytes: null })
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(/quota of space is used up/) })
    expect((await namesIn(fs, onHdfs('work'))).filter((name) => name !== '_history')).toEqual([])
  })

  it.each(['+3600', '-3600'])('does not mind a node whose clock is off by %s s', async (offset) => {
    await requireProgram('faketime', 'faketime')
    const { stdout } = await runCommand('dpkg', ['-L', 'libfaketime'])
    const [worker] = await fleet.start({
      env: {
        ...bench.environment,
        LD_PRELOAD: stdout.split('\n').find((path) => path.endsWith('libfaketimeMT.so.1'))!,
        FAKETIME: `${offset}s`,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    })
    const done = await bench.run(
      fleet,
      bench.maps,
      atOne(fleet, worker!, KEYS, async () => {
        const driver = await fleet.driver()
        if (driver !== worker) await driver!.kill()
      }),
    )
    await bench.expectDone(fleet, done)
  })
})

async function textIn(folder: string): Promise<string> {
  const names = await readdir(folder)
  return (await Promise.all(names.map((name) => readLocal(join(folder, name), 'utf8')))).join('')
}

/** A disk on which nothing can be made any more, also when others remove or close what is theirs. */
class FilledDisk {
  private readonly held: FileHandle[] = []

  constructor(private readonly folder: string) {}

  /** @param pid a process that has files open there that have no name any more */
  async fill(pid: string): Promise<void> {
    // What is open keeps its place. What was gone before it was open is filled in the next round.
    while ((await this.fillOnce()) > 0) {
      const named = await readdir(this.folder, { recursive: true })
      await this.hold(named.map((name) => join(this.folder, name)))
    }
    const opened = await readdir(`/proc/${pid}/fd`)
    const isGone = await Promise.all(
      opened.map(async (fd) => (await readlink(`/proc/${pid}/fd/${fd}`)).endsWith(' (deleted)')),
    )
    await this.hold(opened.filter((_, i) => isGone[i]).map((fd) => `/proc/${pid}/fd/${fd}`))
  }

  async close(): Promise<void> {
    await Promise.all(this.held.map((file) => file.close()))
  }

  private async hold(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const file = await open(path).catch(noneWhereGone)
      if (file) this.held.push(file)
    }
  }

  private async fillOnce(): Promise<number> {
    for (let made = 0; ; made++) {
      try {
        await writeLocal(join(this.folder, randomUUID()), '')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return made
        throw error
      }
    }
  }
}

function noneWhereGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** Whether the parent of a process is another one. */
async function isWithinProcess(pid: string | null, parent: number): Promise<boolean> {
  const stat = await readLocal(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.split(') ').at(-1)!.split(' ')[1]) === parent
}
