import { type Job, type JobJson, Queue, Worker, type WorkerOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { type AttemptReference, attemptName } from './attempt-message.js'
import { type FleetKeys, queueName } from './fleet-keys.js'
import { STALLED_MS } from './patience.js'

/** Where an attempt stands, as the queue knows it. */
export type QueuedState = 'waiting' | 'running' | 'gone'

/**
 * The queues of one driver's attempts: one for any worker, and one for the workers of each host that holds
 * data. BullMQ's, each attempt a job that is tried once: the driver decides about another attempt.
 */
export class AttemptQueues {
  private readonly queues = new Map<string, Queue>()
  private readonly checkers = new Map<string, Worker>()
  private isClosed = false

  constructor(
    private readonly redis: Redis,
    private readonly keys: FleetKeys,
    private readonly jobId: string,
    private readonly epoch: number,
  ) {}

  async add(references: readonly AttemptReference[], host?: string): Promise<void> {
    const name = queueName(this.jobId, this.epoch, host)
    let queue = this.queues.get(name)
    if (!queue) {
      queue = this.open(name)
      this.queues.set(name, queue)
    }
    await queue.addBulk(
      references.map((reference) => ({
        name: 'attempt',
        data: reference,
        opts: { jobId: attemptName(reference), attempts: 1, removeOnComplete: true, removeOnFail: true },
      })),
    )
  }

  /** Takes an attempt back. @returns false where a worker has it, or has had it. */
  async takeBack(attempt: string, host?: string): Promise<boolean> {
    const queue = this.queues.get(queueName(this.jobId, this.epoch, host))
    if (!queue) return false
    const job = await queue.getJob(attempt)
    if (!job || (await job.getState()) === 'active') return false
    return queue.remove(attempt).then(
      (removed) => removed === 1,
      // A worker has taken it in this moment.
      () => false,
    )
  }

  async stateOf(attempt: string, host?: string): Promise<QueuedState> {
    const queue = this.queues.get(queueName(this.jobId, this.epoch, host))
    const state = await queue?.getJobState(attempt)
    if (state === 'active') return 'running'
    return state === 'waiting' || state === 'prioritized' || state === 'delayed' ? 'waiting' : 'gone'
  }

  /** Removes the queues with all that is in them. */
  async close(): Promise<void> {
    this.isClosed = true
    await Promise.all([...this.checkers.values()].map((checker) => checker.close(true)))
    for (const queue of this.queues.values()) {
      await queue.obliterate({ force: true })
      await queue.close()
    }
  }

  private open(name: string): Queue {
    const options = { connection: this.redis, prefix: this.keys.queuePrefix }
    const queue = new Queue(name, options)
    queue.on('error', () => {})
    // An attempt whose worker has lost its lock goes to whichever takes it next, with a mark of that: BullMQ
    // leaves it to that one to fail it, and it is not for this queue to try it again.
    const checker = new Consumer(name, {
      ...options,
      stalledInterval: STALLED_MS,
      maxStalledCount: 0,
    })
    this.checkers.set(name, checker)
    if (!this.isClosed) void checker.startStalledCheckTimer()
    return queue
  }
}

/** Removes the queues of a job's drivers before this one, whichever hosts they had attempts for. */
export async function removeQueues(
  redis: Redis,
  keys: FleetKeys,
  jobId: string,
  epoch: number,
): Promise<void> {
  const prefix = `${keys.queuePrefix}:${jobId}-`
  for (let cursor = '0'; ; ) {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1000)
    const names = found.filter((key) => Number.parseInt(key.slice(prefix.length), 10) < epoch)
    if (names.length > 0) await redis.unlink(...names)
    if (next === '0') return
    cursor = next
  }
}

/** A worker of BullMQ's that is asked for jobs one by one, and so needs no connection to wait on. */
export class Consumer extends Worker {
  constructor(name: string, options: WorkerOptions) {
    super(name, null, { ...options, autorun: false })
    this.on('error', () => {})
  }

  /** The job that came with the answer to {@link Job.moveToCompleted}, if any. */
  async fetched(answer: unknown, token: string): Promise<Job | undefined> {
    if (!Array.isArray(answer)) return undefined
    const [data, id] = answer as [JobJson | undefined, string | undefined]
    return data && id ? this.nextJobFromJobData(data, id, token) : undefined
  }

  protected override createBackend(): void {
    this.backend = this.backendFactory(this.name, this.opts, { withBlockingConnection: false })
  }
}
