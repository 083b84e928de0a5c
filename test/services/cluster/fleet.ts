import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import type { JobRecord } from '../../../src/engines/cluster/job-record.js'
import { openRedis } from '../../../src/engines/cluster/redis.js'
import type { WorkerRecord } from '../../../src/engines/cluster/worker-record.js'
import { treeOf } from '../../pictures.js'
import { jsonLines, type Outcome, pixelreduce, type RunSettings, runJobCommand } from '../../run-command.js'
import { Daemon, temporaryFolder } from '../daemon.js'
import { waitUntil } from '../wait-until.js'

const BIN = fileURLToPath(new URL('../../../dist/bin/pixelreduce.cjs', import.meta.url))

export interface WorkerSettings {
  /** @default 1 */
  threads?: number
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** The command, where it is not the built one. */
  bin?: string
  /** The Redis that it is told of, such as one behind a relay. @default the fleet's */
  redis?: string
  /** What the command is run by, such as `unshare`; it must become the command. */
  by?: readonly string[]
}

/** Workers, as their own processes, of a fleet of its own on a Redis. */
export class TestFleet {
  readonly workers: TestWorker[] = []
  readonly name = `test-${randomUUID().slice(0, 8)}`
  readonly redis: Redis

  private constructor(
    readonly url: string,
    readonly folder: string,
    private readonly removeFolder: () => Promise<void>,
  ) {
    this.redis = openRedis(url)
  }

  static async open(url: string): Promise<TestFleet> {
    const folder = await temporaryFolder('fleet')
    return new TestFleet(url, folder.path, folder.remove)
  }

  /** Starts workers, and waits until they are ready. */
  async start(...all: WorkerSettings[]): Promise<TestWorker[]> {
    const started = all.map((settings) => {
      const logFile = path.join(this.folder, `worker-${this.workers.length}.log`)
      const worker = new TestWorker(this.url, this.name, logFile, settings)
      this.workers.push(worker)
      return worker
    })
    await Promise.all(started.map((worker) => worker.start()))
    return started
  }

  get flags(): string[] {
    return ['--redis', this.url, '--fleet', this.name]
  }

  run(args: string[], settings?: RunSettings): Promise<Outcome> {
    return runJobCommand([...args, ...this.flags], settings)
  }

  async jobs(): Promise<JobRecord[]> {
    const { out } = await pixelreduce(['jobs', 'list', '--json', ...this.flags])
    return jsonLines<JobRecord>(out)
  }

  /** What `jobs show` says of the only job. */
  async show(): Promise<string> {
    const [job] = await this.jobs()
    return (await pixelreduce(['jobs', 'show', job!.jobId, ...this.flags])).out
  }

  async liveWorkers(): Promise<WorkerRecord[]> {
    const { out } = await pixelreduce(['workers', '--json', ...this.flags])
    return jsonLines<WorkerRecord>(out)
  }

  /** The worker that a process is; undefined for one that was killed meanwhile. */
  workerOf(processId: string | null): TestWorker | undefined {
    return this.workers.find((each) => each.processId === Number(processId))
  }

  /** The id of the only job that has not ended; undefined while there is none. */
  async activeJob(): Promise<string | undefined> {
    return (await this.redis.smembers(`${this.name}:jobs`))[0]
  }

  /** The worker that drives the only job; undefined while there is none. */
  async driver(): Promise<TestWorker | undefined> {
    const id = await this.redis.get(`${this.name}:lease:${await this.activeJob()}`)
    return this.workers.find(({ workerId }) => workerId === id)
  }

  /** What a worker says of itself; undefined while it is not known. */
  async recordOf({ workerId }: TestWorker): Promise<WorkerRecord | undefined> {
    const text = await this.redis.get(`${this.name}:worker:${workerId}`)
    return text === null ? undefined : JSON.parse(text)
  }

  /** Starts those again that do not run. */
  async startAll(): Promise<void> {
    await Promise.all(this.workers.map((worker) => (worker.running ? undefined : worker.start())))
  }

  /** Keys that are neither of workers nor of jobs that have ended. */
  async keysLeft(): Promise<string[]> {
    const keys = await this.redis.keys(`${this.name}:*`)
    return keys.filter((key) => !/:(worker|job):[^:]*$|:(workers|ended)$/.test(key)).sort()
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()))
    this.redis.disconnect()
    await this.removeFolder()
  }
}

export class TestWorker {
  private readonly daemon: Daemon
  workerId = ''

  constructor(url: string, fleet: string, logFile: string, settings: WorkerSettings) {
    const { threads = 1, args = [], env = {}, bin = BIN, redis = url, by = [] } = settings
    const [program, ...rest] = [...by, process.execPath, bin, 'worker', '--redis', redis]
    this.daemon = new Daemon({
      program: program!,
      args: [...rest, '--fleet', fleet, '--threads', String(threads), ...args],
      environment: env,
      logFile,
    })
  }

  async start(): Promise<void> {
    const before = (await this.log()).length
    await this.daemon.start()
    const isReady = async () => {
      await this.daemon.mustRun()
      const [, id] = /worker: (\S+) is ready/.exec((await this.log()).slice(before)) ?? []
      this.workerId = id ?? ''
      return id !== undefined
    }
    await waitUntil('the worker is ready', isReady, { describe: () => this.log() })
  }

  get running(): boolean {
    return this.daemon.running
  }

  get processId(): number | undefined {
    return this.daemon.processId
  }

  log(): Promise<string> {
    return this.daemon.logTail(100_000)
  }

  /** @param signal @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<void> {
    return this.daemon.kill(signal)
  }

  /** Stops or continues it and all that it runs. */
  pause(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.daemon.signalGroup(signal)
  }
}

/** The files of an output that must be the same on every engine. */
export async function recordsOf(output: string): Promise<Record<string, string>> {
  const { _SUCCESS: _, ...files } = await treeOf(output)
  const records = Object.entries(files).filter(([name]) => !name.startsWith('_logs/'))
  return Object.fromEntries(records.map(([name, bytes]) => [name, bytes.toString('base64')]))
}

/** Names in a folder that begin with a dot. */
export async function hiddenIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('.'))
}
