import type { Job as QueuedJob } from 'bullmq'
import type { Redis } from 'ioredis'
import { errorToJson, KilledError, PixelreduceError } from '../../errors.js'
import { type Location, resolveUri } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import type { TaskProgress } from '../../mapreduce/task/task.js'
import {
  type AttemptEnd,
  type AttemptMessage,
  type AttemptReference,
  attemptName,
  checkReference,
  isReference,
} from './attempt-message.js'
import { Consumer } from './attempt-queues.js'
import { AttemptSpecs } from './attempt-spec.js'
import type { AttemptOutcome } from './cluster-executor.js'
import type { Share } from './fair-share.js'
import { type FleetKeys, queueName } from './fleet-keys.js'
import { mayBeNodes } from './node-trouble.js'
import { BEAT_MS, PATIENCE_MS } from './patience.js'
import type { Runner } from './runner.js'
import { outcomeFile, requireSubmittedCode, type Submission } from './submission.js'

/** What a job needs of the worker that works for it. */
export interface JobSurroundings {
  redis: Redis
  keys: FleetKeys
  workerId: string
  host: string
  secret: string | undefined
  /** A fresh process for the job's attempts. */
  startRunner(): Runner
  memoryBytes: number
  /** A slot is free. */
  onChange(): void
  /** Whether the job's next attempt may have the slot of one that has just ended. */
  mayGoOn(job: JobOnWorker): boolean
}

/** An attempt that was taken from a queue. */
interface Taken {
  readonly name: string
  readonly queued: QueuedJob<AttemptReference>
  readonly token: string
  readonly from: Consumer
  readonly startedMs: number
  progress?: TaskProgress
  toldMs: number
  wasGivenUp: boolean
  /** Whether it has failed of what may be this node's own trouble. */
  mayBeNodes: boolean
}

/** Least time between two words of an attempt; with each beat there is one. */
const TELL_MS = 200

/** How long this worker leaves a job alone after trouble that may be its own, doubled with each: others may do better. */
const LEAST_REST_MS = 500
const MOST_REST_MS = 30_000

/** What an attempt is taken to last at first, how much the newest one counts, and how long fetching one takes. */
const USUAL_MS = 1000
const MEAN_SHARE = 0.1
const FETCH_MS = 20
const MOST_AHEAD = 4

/** A job that a worker works for: its queues, its plan, its runner, and the attempts taken. */
export class JobOnWorker implements Share {
  usedMs = 0
  readonly priority: number
  /** Until when nothing is taken here, for attempts have failed. */
  restUntilMs = 0
  /** Attempts ended here. */
  readonly ended = { done: 0, failed: 0 }
  private readonly taken = new Map<string, Taken>()
  private readonly folder: Location
  private epoch = 0
  private isEnding = false
  private consumers: Consumer[] = []
  private specs: Promise<AttemptSpecs> | undefined
  private runner: Runner | undefined
  private failedInRow = 0
  private tokens = 0
  private outbox: AttemptMessage[] = []
  private isFlushing = false
  private recordsRead = 0
  /** Whether there may be attempts for this host. */
  private hasOwn = true
  /** Milliseconds that attempts take, of late. */
  private meanMs = USUAL_MS

  private constructor(
    readonly submission: Submission,
    private readonly around: JobSurroundings,
  ) {
    this.folder = resolveUri(submission.folder)
    this.priority = submission.priority
  }

  /**
   * @throws AuthenticationError, JobDefinitionError when the job's code is not the one that was submitted, or
   *   not here.
   */
  static async open(submission: Submission, around: JobSurroundings): Promise<JobOnWorker> {
    await requireSubmittedCode(submission)
    return new JobOnWorker(submission, around)
  }

  get jobId(): string {
    return this.submission.jobId
  }

  get running(): { jobId: string; attempt: string; seconds: number }[] {
    const nowMs = performance.now()
    return [...this.taken.values()].map(({ name, startedMs }) => ({
      jobId: this.jobId,
      attempt: name,
      seconds: Math.round((nowMs - startedMs) / 100) / 10,
    }))
  }

  /** Whether a driver's queues are known. */
  get isFollowing(): boolean {
    return this.epoch > 0
  }

  /** Records read since it was last asked. */
  takeRecordsRead(): number {
    const read = this.recordsRead
    this.recordsRead = 0
    return read
  }

  /**
   * Takes from the queues of this driver from now on. Attempts of an earlier one go on: what they commit counts
   * for the job as well.
   */
  async follow(epoch: number): Promise<void> {
    // A driver that comes late, or a Redis that has lost what it knew, brings no earlier one back.
    if (epoch <= this.epoch || this.isEnding) return
    if (this.submission.maxWorkers !== undefined) this.giveUp([...this.taken.keys()])
    this.epoch = epoch
    const { redis, keys, host } = this.around
    const before = this.consumers
    this.consumers = [queueName(this.jobId, epoch, host), queueName(this.jobId, epoch)].map(
      (name) =>
        new Consumer(name, { connection: redis, prefix: keys.queuePrefix, lockDuration: PATIENCE_MS }),
    )
    await Promise.all(before.map((consumer) => consumer.close(true)))
  }

  /** Attempts for workers of these hosts were queued. */
  noteWork(hosts: readonly string[]): void {
    if (hosts.includes(this.around.host)) this.hasOwn = true
  }

  /** Attempts that are so short that the next one had better be here when a slot comes free. */
  get ahead(): number {
    return Math.min(MOST_AHEAD, Math.floor(FETCH_MS / this.meanMs))
  }

  /** Takes an attempt from a queue and runs it. @returns false where there is none */
  async take(): Promise<boolean> {
    if (this.isEnding) return false
    const [own, any] = this.consumers
    for (const from of this.hasOwn ? [own, any] : [any]) {
      if (!from) continue
      if (from === own) this.hasOwn = false
      const token = `${this.around.workerId}-${this.tokens++}`
      const queued = await from.getNextJob(token, { block: false })
      // The job may have ended while this was asked.
      if (!queued || this.isEnding) continue
      if (from === own) this.hasOwn = true
      this.begin(queued, token, from)
      return true
    }
    return false
  }

  /** Keeps the attempts of this worker its own. */
  async renew(): Promise<void> {
    for (const consumer of this.consumers) {
      const own = [...this.taken.values()].filter(({ from }) => from === consumer)
      if (own.length === 0) continue
      await consumer.extendJobLocks(
        own.map(({ name }) => name),
        own.map(({ token }) => token),
        PATIENCE_MS,
      )
    }
    const nowMs = performance.now()
    for (const each of this.taken.values()) {
      if (nowMs - each.toldMs >= BEAT_MS / 2) this.tell(each, 'alive')
    }
  }

  giveUp(attempts: readonly string[]): void {
    for (const name of attempts) {
      const taken = this.taken.get(name)
      if (!taken) continue
      taken.wasGivenUp = true
      this.runner?.giveUp(name)
    }
  }

  /** Ends all attempts of the job at once, and takes no more. */
  async kill(reason: string): Promise<void> {
    this.isEnding = true
    await this.runner?.kill(reason)
    this.runner = undefined
  }

  /** Frees what the job holds here. */
  async close(): Promise<void> {
    await this.kill(`${this.jobId} has ended`)
    await Promise.all(this.consumers.map((consumer) => consumer.close(true)))
    this.consumers = []
  }

  private begin(queued: QueuedJob<AttemptReference>, token: string, from: Consumer): void {
    const startedMs = performance.now()
    const name = queued.id!
    const taken: Taken = {
      name,
      queued,
      token,
      from,
      startedMs,
      toldMs: startedMs,
      wasGivenUp: false,
      mayBeNodes: false,
    }
    this.taken.set(name, taken)
    void this.run(taken)
  }

  private async run(taken: Taken): Promise<void> {
    const { queued, token, from, name } = taken
    const end = await this.attempt(taken)
    this.taken.delete(name)
    const ms = performance.now() - taken.startedMs
    this.usedMs += ms / this.priority
    this.meanMs += (ms - this.meanMs) * MEAN_SHARE
    this.count(taken, end)
    this.tell(taken, end)
    const goesOn = !this.isEnding && this.around.mayGoOn(this) && !(this.hasOwn && from !== this.consumers[0])
    try {
      // The next one comes with the answer, which saves a round trip or two.
      const next = await from.fetched(await queued.moveToCompleted(null, token, goesOn), token)
      if (next && !this.isEnding) return this.begin(next, token, from)
    } catch {
      // Its lock is lost: the driver has given the attempt to somebody else, or Redis has forgotten it.
    }
    this.around.onChange()
  }

  private async attempt(taken: Taken): Promise<AttemptEnd> {
    const { name, queued } = taken
    const reference = queued.data
    // Its worker was lost, and BullMQ leaves it to the next one to say so.
    if (queued.deferredFailure !== undefined) return 'stalled'
    // Nobody of this fleet has made it.
    if (!isReference(reference) || attemptName(reference) !== name) return 'given-back'
    try {
      checkReference(this.jobId, reference, this.around.secret)
      this.specs ??= AttemptSpecs.read(this.folder)
      this.specs.catch(() => {
        this.specs = undefined
      })
      const spec = await (await this.specs).specOf(reference)
      if (taken.wasGivenUp || this.isEnding) return 'given-back'
      const report = await this.useRunner().run(name, spec, (progress) => this.progress(taken, progress))
      this.recordsRead += report.ledger.read - (taken.progress?.read ?? 0)
      if (spec.kind === 'sample') await this.writeOutcome(name, { report })
      return 'done'
    } catch (error) {
      if (error instanceof KilledError || taken.wasGivenUp) return 'given-back'
      const { progress } = taken
      taken.mayBeNodes = mayBeNodes(error)
      await this.writeOutcome(name, {
        error: errorToJson(error),
        mayBeNodes: taken.mayBeNodes,
        ...(progress ? { progress } : {}),
      })
      return 'failed'
    }
  }

  private useRunner(): Runner {
    if (this.runner?.isUsable) return this.runner
    this.runner = this.around.startRunner()
    this.runner.open(this.submission.options.isolation, this.around.memoryBytes)
    return this.runner
  }

  private count({ mayBeNodes }: Taken, end: AttemptEnd): void {
    if (end === 'done') {
      this.ended.done++
      this.failedInRow = 0
    }
    if (end !== 'failed') return
    this.ended.failed++
    if (!mayBeNodes) return
    const restMs = Math.min(MOST_REST_MS, LEAST_REST_MS * 2 ** this.failedInRow++)
    this.restUntilMs = performance.now() + restMs
  }

  private progress(taken: Taken, progress: TaskProgress): void {
    this.recordsRead += progress.read - (taken.progress?.read ?? 0)
    const isFirst = taken.progress === undefined
    taken.progress = progress
    if (isFirst || performance.now() - taken.toldMs >= TELL_MS) this.tell(taken, 'progress')
  }

  /** What can't be written here is told as a loss: the driver finds nothing. */
  private async writeOutcome(name: string, outcome: AttemptOutcome): Promise<void> {
    const { fs, path } = this.folder
    const file = outcomeFile(path, name)
    try {
      await fs.delete(file)
      await writeText(fs, file, `${JSON.stringify(outcome)}\n`)
    } catch (error) {
      if (!(error instanceof PixelreduceError)) throw error
    }
  }

  private tell(taken: Taken, said: AttemptMessage['said']): void {
    const { workerId: worker, host } = this.around
    const { name: attempt, progress } = taken
    taken.toldMs = performance.now()
    if (said === 'progress') {
      const { read, bytesIn, bad, share } = progress!
      const numbers = { read, bytesIn, bad, ...(share === undefined ? {} : { share }) }
      this.outbox.push({ attempt, worker, host, said, numbers })
    } else this.outbox.push({ attempt, worker, host, said })
    if (this.isFlushing) return
    this.isFlushing = true
    // In the same turn as what is said to the queue, so that both go in one write.
    queueMicrotask(() => void this.flush())
  }

  /** What came together goes in one message. */
  private async flush(): Promise<void> {
    const { redis, keys } = this.around
    while (this.outbox.length > 0) {
      const messages = this.outbox
      this.outbox = []
      // One that is lost is found by the driver itself.
      await redis.publish(keys.attempts(this.jobId), JSON.stringify(messages)).catch(() => {})
    }
    this.isFlushing = false
  }
}
