import type { Redis } from 'ioredis'
import {
  describeError,
  type ErrorJson,
  errorFromJson,
  HandedOverError,
  PixelreduceError,
  WorkerLostError,
} from '../../errors.js'
import { resolveUri } from '../../fs/resolve.js'
import { readJson, writeText } from '../../fs/text.js'
import { type CounterSums, JOB_COUNTERS } from '../../mapreduce/counters.js'
import { committedReport } from '../../mapreduce/task/attempt.js'
import type {
  RunningRecord,
  TaskExecutor,
  TaskProgress,
  TaskReport,
  TaskSpec,
} from '../../mapreduce/task/task.js'
import {
  type AttemptEnd,
  type AttemptMessage,
  type AttemptReference,
  attemptName,
  signReference,
  taskOfAttempt,
} from './attempt-message.js'
import { AttemptQueues, removeQueues } from './attempt-queues.js'
import { tellWorkers } from './control-message.js'
import type { FleetKeys } from './fleet-keys.js'
import { BEAT_MS, SILENT_MS } from './patience.js'
import { outcomeFile, specFile } from './submission.js'
import { liveWorkers, type WorkerRecord, type WorkerVersions, whyRefused } from './worker-record.js'

/** What a file of `outcomes/` holds. */
export type AttemptOutcome =
  | {
      error: ErrorJson
      /** Whether another node may do better; see node-trouble.ts. */
      mayBeNodes: boolean
      progress?: TaskProgress
    }
  /** Of a task that commits nothing. */
  | { report: TaskReport }

export interface ClusterExecutorOptions {
  redis: Redis
  /** A connection of its own, for it listens. */
  listener: Redis
  keys: FleetKeys
  jobId: string
  versions: WorkerVersions
  secret: string | undefined
  /** Attempts that workers have at once, at the most. @default as many as the fleet has slots */
  maxWorkers?: number
}

/** Attempts that wait in the queues for each slot of the fleet, and at the least: workers shall never be idle. */
const QUEUED_PER_SLOT = 4
const QUEUED_AT_LEAST = 32
const QUEUED_AT_MOST = 1000

/** How long an attempt is kept for the hosts that have its data. */
const LOCALITY_WAIT_MS = 500

/** An attempt that the fleet has, from its queueing to its end. */
interface Pending {
  readonly spec: TaskSpec
  readonly reference: AttemptReference
  readonly onProgress: (progress: TaskProgress) => void
  readonly settle: (end: { report: TaskReport } | { error: unknown }) => void
  /** Whose queue it is in; undefined for that of any worker. */
  host?: string
  queuedMs: number
  heardMs: number
  worker?: string
  /** Looks in a row that found nothing of it. */
  missing: number
  isEnding: boolean
}

/**
 * Runs attempts on the workers of a fleet: each goes into a queue as a reference into the job's folder, and
 * comes back through the job's folder. What Redis says is taken for a hint; what counts is what was committed.
 */
export class ClusterExecutor implements TaskExecutor {
  private readonly pending = new Map<string, Pending>()
  private readonly waiting: Pending[] = []
  private queues: AttemptQueues | undefined
  private workers: WorkerRecord[] = []
  private looking: NodeJS.Timeout | undefined
  private isLooking = false
  private adding: Promise<void> | undefined
  private isClosed = false
  private readonly done = new Set<string>()
  /** Tasks of which an attempt that is not this driver's has said that it has committed them. */
  private readonly doneByOthers = new Set<string>()
  /** Workers on which an attempt at a task has failed of what may be their own trouble. */
  private readonly troubled = new Map<string, Set<string>>()
  private readonly placed = { local: 0, other: 0 }

  private constructor(private readonly options: ClusterExecutorOptions) {}

  static async open(options: ClusterExecutorOptions): Promise<ClusterExecutor> {
    const executor = new ClusterExecutor(options)
    const { listener, keys, jobId } = options
    listener.on('message', (channel: string, text: string) => {
      if (channel !== keys.attempts(jobId)) return
      const unknown = (JSON.parse(text) as AttemptMessage[]).filter((message) => !executor.hear(message))
      executor.hearOthers(unknown)
    })
    await listener.subscribe(keys.attempts(jobId))
    await executor.lookForWorkers()
    executor.looking = setInterval(() => void executor.look(), BEAT_MS)
    return executor
  }

  /** The attempts that the driver may hand over at once; they follow the fleet as it grows and shrinks. */
  get slots(): number {
    const { maxWorkers } = this.options
    const threads = this.workers.reduce((sum, worker) => sum + (worker.isDraining ? 0 : worker.threads), 0)
    const queued = Math.max(QUEUED_AT_LEAST, QUEUED_PER_SLOT * threads)
    return Math.min(QUEUED_AT_MOST, queued, maxWorkers ?? Number.POSITIVE_INFINITY)
  }

  /** Map attempts that ran where their data are, and elsewhere, under Hadoop's names. */
  get counters(): CounterSums {
    const { local, other } = this.placed
    return {
      [JOB_COUNTERS]: {
        ...(local > 0 ? { DATA_LOCAL_MAPS: local } : {}),
        ...(other > 0 ? { OTHER_LOCAL_MAPS: other } : {}),
      },
    }
  }

  async run(
    spec: TaskSpec,
    { signal, onProgress }: { signal: AbortSignal; onProgress(progress: TaskProgress): void },
  ): Promise<TaskReport> {
    signal.throwIfAborted()
    const { taskId, attempt } = spec
    const { epoch } = spec.job
    const known = this.doneByOthers.has(taskId) ? await committedByOthers(spec) : undefined
    if (known) return known
    const name = attemptName({ taskId, epoch, attempt })
    const hasSpec = !followsFromPlan(spec)
    if (hasSpec) await this.writeSpec(name, spec)
    const { jobId, secret } = this.options
    const reference = signReference(
      jobId,
      { taskId, epoch, attempt, ...(hasSpec ? { hasSpec } : {}) },
      secret,
    )
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        // What runs goes on for the next driver.
        if (!(signal.reason instanceof HandedOverError)) void this.takeBack(entry)
        entry.settle({ error: signal.reason })
      }
      const entry: Pending = {
        spec,
        reference,
        onProgress,
        settle: (end) => {
          if (!this.pending.delete(name)) return
          signal.removeEventListener('abort', giveUp)
          if ('report' in end) {
            this.done.add(taskId)
            resolve(end.report)
          } else reject(end.error)
          this.queueMore()
        },
        queuedMs: 0,
        heardMs: 0,
        missing: 0,
        isEnding: false,
      }
      signal.addEventListener('abort', giveUp)
      this.pending.set(name, entry)
      this.waiting.push(entry)
      this.queueMore()
    })
  }

  /** Begins the driver's own queues, and removes those of earlier ones. */
  async openQueues(epoch: number): Promise<void> {
    const { redis, keys, jobId } = this.options
    this.queues = new AttemptQueues(redis, keys, jobId, epoch)
    await removeQueues(redis, keys, jobId, epoch)
  }

  /** Takes back what no worker has begun, and leaves nothing of this driver's in Redis. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    clearInterval(this.looking)
    const { listener, keys, jobId } = this.options
    await listener.unsubscribe(keys.attempts(jobId))
    await this.adding
    await this.queues?.close()
  }

  private async writeSpec(name: string, spec: TaskSpec): Promise<void> {
    const { fs, path } = resolveUri(spec.job.jobFolder)
    const { job: _, ...rest } = spec
    const file = specFile(path, name)
    await fs.delete(file)
    await writeText(fs, file, `${JSON.stringify(rest)}\n`)
  }

  /** Queues what waits, all that has come together at once. */
  private queueMore(): void {
    if (this.adding || this.isClosed || this.waiting.length === 0) return
    this.adding = new Promise<void>((resolve) => setImmediate(resolve))
      .then(async () => {
        while (this.waiting.length > 0 && this.room > 0 && !this.isClosed) await this.queueWaiting()
      })
      .catch(() => {
        // Redis is away for longer than a command waits; the next look tries again.
      })
      .finally(() => {
        this.adding = undefined
      })
  }

  private async queueWaiting(): Promise<void> {
    const { redis, keys, jobId } = this.options
    const entries = this.waiting.splice(0, this.room).filter((entry) => this.isPending(entry))
    const byHost = new Map<string | undefined, Pending[]>()
    for (const entry of entries) {
      const host = entry.queuedMs === 0 ? this.hostFor(entry.spec) : undefined
      if (host === undefined) delete entry.host
      else entry.host = host
      byHost.set(host, [...(byHost.get(host) ?? []), entry])
    }
    for (const [host, some] of byHost) {
      try {
        await this.queues!.add(
          some.map(({ reference }) => reference),
          host,
        )
      } catch (error) {
        // Those that are there already are not added again.
        this.waiting.push(...entries.filter(({ queuedMs }) => queuedMs === 0))
        throw error
      }
      const nowMs = performance.now()
      for (const entry of some) {
        entry.queuedMs = nowMs
        entry.heardMs = nowMs
      }
    }
    if (entries.length === 0) return
    const hosts = [...byHost.keys()].filter((host) => host !== undefined)
    await tellWorkers(redis, keys, { type: 'work', jobId, hosts })
  }

  /** Attempts that may go into the queues beside those that workers have or may take. */
  private get room(): number {
    const { maxWorkers } = this.options
    if (maxWorkers === undefined) return this.waiting.length
    const waiting = this.waiting.filter((entry) => this.isPending(entry)).length
    return Math.max(0, Math.min(maxWorkers - (this.pending.size - waiting), this.waiting.length))
  }

  private isPending({ reference }: Pending): boolean {
    return this.pending.has(attemptName(reference))
  }

  /** Of the hosts that have most of a split's bytes the first with a worker that could take it. */
  private hostFor(spec: TaskSpec): string | undefined {
    if (spec.kind !== 'map') return undefined
    for (const host of spec.split.hosts) {
      const worker = this.workers.find((each) => !each.isDraining && each.hosts.includes(host))
      if (worker) return worker.hosts[0]
    }
    return undefined
  }

  /** @returns whether the attempt is one that this driver waits for */
  private hear(message: AttemptMessage): boolean {
    const entry = this.pending.get(message.attempt)
    if (!entry) return false
    entry.heardMs = performance.now()
    entry.missing = 0
    if (entry.worker === undefined && message.said !== 'stalled') this.begin(entry, message)
    if (message.said === 'alive') return true
    if (message.said === 'progress') {
      const { taskId, attempt } = entry.spec
      entry.onProgress({ taskId, attempt, host: message.host, ...message.numbers })
      return true
    }
    void this.end(entry, message.said)
    return true
  }

  /**
   * Attempts of an earlier driver, or such as were taken for lost, are as good as any other while their task is
   * not done: what they commit is taken. When it is done they are given up.
   */
  private hearOthers(messages: readonly AttemptMessage[]): void {
    const useless: string[] = []
    for (const { attempt, said } of messages) {
      const taskId = taskOfAttempt(attempt)
      if (taskId === undefined) continue
      if (said === 'done') {
        this.doneByOthers.add(taskId)
        for (const entry of this.pending.values()) if (entry.spec.taskId === taskId) void this.adopt(entry)
      } else if (this.done.has(taskId)) useless.push(attempt)
    }
    const { redis, keys, jobId } = this.options
    if (useless.length === 0 || this.isClosed || !this.queues) return
    void tellWorkers(redis, keys, { type: 'give-up', jobId, attempts: useless }).catch(() => {})
  }

  /** Takes what another attempt has committed for that of one that still waits or runs. */
  private async adopt(entry: Pending): Promise<void> {
    const { spec } = entry
    const report = entry.isEnding ? undefined : await committedByOthers(spec)
    if (!report || entry.isEnding || !this.isPending(entry)) return
    entry.isEnding = true
    void this.takeBack(entry)
    entry.settle({ report })
  }

  private begin(entry: Pending, { worker, host }: AttemptMessage): void {
    entry.worker = worker
    const { spec } = entry
    entry.onProgress({ taskId: spec.taskId, attempt: spec.attempt, host, read: 0, bytesIn: 0, bad: 0 })
    if (spec.kind !== 'map' || spec.split.hosts.length === 0) return
    const hosts = this.workers.find(({ workerId }) => workerId === worker)?.hosts ?? [host]
    if (hosts.some((each) => spec.split.hosts.includes(each))) this.placed.local++
    else this.placed.other++
  }

  /** Reads what became of an attempt where it lies. */
  private async end(entry: Pending, said: AttemptEnd | 'lost'): Promise<void> {
    if (entry.isEnding) return
    entry.isEnding = true
    try {
      entry.settle(await this.outcome(entry, said))
    } catch (error) {
      entry.settle({ error })
    }
  }

  private async outcome(
    { spec, reference, onProgress, worker }: Pending,
    said: AttemptEnd | 'lost',
  ): Promise<{ report: TaskReport } | { error: unknown }> {
    const { fs, path } = resolveUri(spec.job.jobFolder)
    const name = attemptName(reference)
    if (said !== 'failed' && spec.kind !== 'sample') {
      const report = await committedReport(fs, path, spec.taskId)
      if (report && report.epoch === reference.epoch && report.attempt === reference.attempt)
        return { report }
    }
    const file = await readJson<AttemptOutcome>(fs, outcomeFile(path, name))
    if (file && 'report' in file) return file
    if (file) {
      const { running, ...progress } = file.progress ?? {}
      if (running) onProgress({ ...(progress as TaskProgress), running: running as RunningRecord[] })
      const error = errorFromJson(file.error)
      if (!file.mayBeNodes || worker === undefined || !this.mayDoBetter(spec.taskId, worker)) return { error }
      return { error: lost(spec, `worker ${worker} has trouble: ${describeError(error)}`, error) }
    }
    return { error: lost(spec, whyLost(said, worker)) }
  }

  /** Whether there is a worker on which this task has not met trouble yet. @param troubled one on which it just has */
  private mayDoBetter(taskId: string, troubled: string): boolean {
    const known = this.troubled.get(taskId) ?? new Set()
    this.troubled.set(taskId, known.add(troubled))
    const { jobId } = this.options
    return this.workers.some(
      ({ workerId, isDraining, refused }) =>
        !isDraining && refused[jobId] === undefined && !known.has(workerId),
    )
  }

  private async takeBack({ reference, host }: Pending): Promise<void> {
    const { redis, keys, jobId } = this.options
    const name = attemptName(reference)
    try {
      if (await this.queues!.takeBack(name, host)) return
      await tellWorkers(redis, keys, { type: 'give-up', jobId, attempts: [name] })
    } catch {
      // What was given up is fenced, whether its worker hears of it or not.
    }
  }

  private async look(): Promise<void> {
    if (this.isLooking || this.isClosed) return
    this.isLooking = true
    try {
      await this.lookForWorkers()
      await this.lookForLost()
      this.queueMore()
    } catch (error) {
      // Redis is away: everything is found again when it is back.
      if (error instanceof PixelreduceError) throw error
    } finally {
      this.isLooking = false
    }
  }

  private async lookForWorkers(): Promise<void> {
    const { redis, keys, versions } = this.options
    const workers = await liveWorkers(redis, keys)
    this.workers = workers.filter((worker) => whyRefused(worker.versions, versions) === undefined)
  }

  /** Moves attempts that their hosts don't take, and ends those that no worker has any more. */
  private async lookForLost(): Promise<void> {
    const nowMs = performance.now()
    for (const entry of [...this.pending.values()]) {
      if (entry.queuedMs === 0 || entry.isEnding) continue
      const name = attemptName(entry.reference)
      const isUnclaimed = entry.host !== undefined && entry.worker === undefined
      if (isUnclaimed && nowMs - entry.queuedMs > LOCALITY_WAIT_MS) {
        if (await this.queues!.takeBack(name, entry.host)) {
          this.waiting.push(entry)
          continue
        }
      }
      if (nowMs - entry.heardMs < SILENT_MS) continue
      const state = await this.queues!.stateOf(name, entry.host)
      entry.missing = state === 'gone' ? entry.missing + 1 : 0
      if (entry.missing >= 2) void this.end(entry, 'lost')
    }
  }
}

/** The report of whichever attempt has committed a task. */
async function committedByOthers({ kind, job, taskId }: TaskSpec): Promise<TaskReport | undefined> {
  if (kind === 'sample') return undefined
  const { fs, path } = resolveUri(job.jobFolder)
  return committedReport(fs, path, taskId).catch(() => undefined)
}

function lost({ taskId, attempt }: TaskSpec, how: string, cause?: PixelreduceError): WorkerLostError {
  return new WorkerLostError(`Cannot finish attempt ${attempt} of task ${taskId}: ${how}`, {
    retriable: true,
    ...(cause ? { cause } : {}),
  })
}

function whyLost(said: AttemptEnd | 'lost', worker: string | undefined): string {
  if (said === 'given-back') return 'its worker has given it back'
  if (worker === undefined && said === 'stalled') return 'its worker has said nothing for a while'
  if (worker === undefined) return 'it is in no queue any more'
  if (said === 'failed') return `its worker ${worker} could not say why it failed`
  return `its worker ${worker} has said nothing for a while`
}

/** Whether workers can make the spec of an attempt from the job's plan. */
function followsFromPlan(spec: TaskSpec): boolean {
  if (spec.kind === 'map') return !spec.isCareful && !spec.skip?.length
  return spec.kind === 'reduce' && !spec.isCareful
}
