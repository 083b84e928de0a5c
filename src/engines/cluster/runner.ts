import { type ChildProcess, fork } from 'node:child_process'
import { errorFromJson, KilledError, ProcessLostError } from '../../errors.js'
import type { Isolation } from '../../mapreduce/driver/options.js'
import type { TaskProgress, TaskReport, TaskSpec } from '../../mapreduce/task/task.js'
import { builtFile } from '../../package-root.js'
import { childEnd } from '../child-process.js'
import type { RunnerMessage, RunnerOrder } from './runner-protocol.js'

interface Running {
  onProgress(progress: TaskProgress): void
  resolve(report: TaskReport): void
  reject(error: unknown): void
}

/** What user code must not see: with these it could speak for the worker. */
const SECRETS = ['PIXELREDUCE_SECRET', 'PIXELREDUCE_REDIS']

/** Of libuv's pool: a thread for each picture that is decoded, and some for files; see bin/bootstrap.cjs. */
const POOL_FOR_FILES = 2
const LIBUV_MAXIMUM = 1024

/** A process that runs attempts of one job; see runner-process.ts. */
export class Runner {
  /** Settles when the process has ended. */
  readonly ended: Promise<void>
  private readonly child: ChildProcess
  private readonly running = new Map<string, Running>()
  private killed: KilledError | undefined
  private isEnded = false
  /** Of the driver whose job's spec the process has. */
  private epoch = 0

  /** @param slots attempts at once */
  constructor(slots: number) {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      UV_THREADPOOL_SIZE: String(Math.min(LIBUV_MAXIMUM, slots + POOL_FOR_FILES)),
    }
    for (const name of SECRETS) delete env[name]
    this.child = fork(builtFile('engines', 'cluster', 'runner-process.js'), [String(slots)], {
      env,
      // A worker may be started by a program that reads its output to the end.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // As between threads: JSON would make an infinite limit null.
      serialization: 'advanced',
    })
    this.child.on('message', (message: RunnerMessage) => this.hear(message))
    this.ended = childEnd(this.child).then((how) => {
      this.isEnded = true
      for (const [attempt, { reject }] of this.running) reject(this.killed ?? lost(attempt, how))
      this.running.clear()
    })
  }

  get isUsable(): boolean {
    return !this.isEnded && this.killed === undefined
  }

  /** Once, before the first attempt. */
  open(isolation: Isolation, memoryBytes: number): void {
    this.send({ type: 'open', isolation, memoryBytes })
  }

  /**
   * Runs one attempt, which commits itself.
   * @throws what the attempt threw; ProcessLostError when the process ended under it; KilledError when it was
   *   killed or the attempt given up.
   */
  run(attempt: string, spec: TaskSpec, onProgress: (progress: TaskProgress) => void): Promise<TaskReport> {
    if (!this.isUsable) return Promise.reject(this.killed ?? lost(attempt, 'it has ended'))
    return new Promise((resolve, reject) => {
      this.running.set(attempt, { onProgress, resolve, reject })
      const { job, ...rest } = spec
      if (this.epoch !== job.epoch) this.send({ type: 'job', job })
      this.epoch = job.epoch
      this.send({ type: 'run', attempt, spec: rest })
    })
  }

  giveUp(attempt: string): void {
    if (this.running.has(attempt)) this.send({ type: 'give-up', attempt })
  }

  /** Ends the process and all that runs in it, at once. */
  async kill(reason: string): Promise<void> {
    this.killed ??= new KilledError(reason)
    this.child.kill('SIGKILL')
    await this.ended
  }

  private hear(message: RunnerMessage): void {
    const running = this.running.get(message.attempt)
    if (!running) return
    if (message.type === 'progress') {
      running.onProgress(message.progress)
      return
    }
    this.running.delete(message.attempt)
    const { outcome } = message
    if ('report' in outcome) running.resolve(outcome.report)
    else running.reject(errorFromJson(outcome.error))
  }

  private send(order: RunnerOrder): void {
    // A process that can't be told anything is about to say itself that it has ended.
    this.child.send(order, () => {})
  }
}

function lost(attempt: string, how: string): ProcessLostError {
  return new ProcessLostError(
    `Cannot finish attempt ${attempt}: the process that ran its job died (${how})`,
    {
      retriable: true,
    },
  )
}
