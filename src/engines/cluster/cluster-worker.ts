import { randomBytes } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'
import type { Redis } from 'ioredis'
import { describeError, KilledError, NotFoundError, PixelreduceError, UsageError } from '../../errors.js'
import { resolveUri } from '../../fs/resolve.js'
import { installedVersions, machineMemory } from '../machine.js'
import { type ControlMessage, tellWorkers } from './control-message.js'
import { DriverLease } from './driver-lease.js'
import { fairOrder, firstUsedMs } from './fair-share.js'
import { FleetKeys } from './fleet-keys.js'
import { driveSubmitted, endSubmitted, handedOver } from './job-driver.js'
import { JobOnWorker } from './job-on-worker.js'
import { activeJobIds, hasEnded, type JobRecord, readJob } from './job-record.js'
import { BEAT_MS, PATIENCE_MS, REFUSED_MS } from './patience.js'
import { closeRedis, type FleetAddress, openRedis, requireRedis } from './redis.js'
import { Runner } from './runner.js'
import { fleetSecret } from './signature.js'
import { readSubmission } from './submission.js'
import { type LookReply, lookAtPlaces } from './visible-places.js'
import { forgetWorker, liveWorkers, tellWorker, type WorkerRecord, whyRefused } from './worker-record.js'

export interface ClusterWorkerOptions extends FleetAddress {
  /** Tasks worked on at once. */
  threads: number
  /** Bytes that pictures being decoded may take, in all runners. @default half of the machine's */
  memoryBytes?: number
  /** What block locations call this host. @default its name and its addresses */
  hosts?: readonly string[]
  /** Milliseconds that attempts get to finish when the worker is asked to end. @default 60000 */
  drainMs?: number
  /** What the worker tells the operator. */
  log(line: string): void
}

const DEFAULT_DRAIN_MS = 60_000

/** How long a worker that ends waits for a Redis that is away. */
const GOODBYE_BEATS = 5

/** Jobs that a worker drives at once: a driver waits most of the time. */
const MOST_DRIVEN = 16

/** After an attempt has begun the next process boots. */
const SPARE_MS = 1000

/** Errors that end a job when every worker meets one of them. */
const ENDING_CODES = new Set(['AUTHENTICATION', 'NOT_FOUND', 'PERMISSION', 'USAGE', 'JOB_DEFINITION'])

/** With less memory left than this share of the machine, or these bytes, a worker has one attempt at a time. */
const SHORT_SHARE = 0.05
const SHORT_BYTES = 256 * 1024 * 1024

/** Runners that share the worker's memory, as a rule. */
const MEMORY_SHARES = 2

/** Why a worker does not work for a job, or does not drive it. */
interface Refusal {
  why: string
  /** When it tries again. */
  untilMs: number
  /** What all workers must have met for the job to end so. */
  error?: PixelreduceError
}

/**
 * A node of a fleet: takes attempts of all jobs from the queues, in fair shares, and runs them in processes of
 * their own; drives jobs that have no driver. This process itself does I/O alone, so that however busy the cores
 * are it keeps what it has taken.
 */
export class ClusterWorker {
  readonly workerId = `${hostname().split('.')[0]}-${process.pid}-${randomBytes(2).toString('hex')}`
  private readonly keys: FleetKeys
  private readonly redis: Redis
  private readonly listener: Redis
  private readonly secret = fleetSecret()
  private readonly versions = installedVersions()
  private readonly hosts: string[]
  private readonly jobs = new Map<string, JobOnWorker>()
  private readonly driven = new Map<string, AbortController>()
  private readonly drives = new Set<Promise<void>>()
  private readonly refused = new Map<string, Refusal>()
  /** Jobs that Redis does not know any more, and since when. */
  private readonly unknown = new Map<string, number>()
  private readonly runners = new Set<Runner>()
  private readonly attempts = { done: 0, failed: 0 }
  private readonly startedMs = Date.now()
  private spare: Runner | undefined
  private running = 0
  private isDraining = false
  private isEnded = false
  private filling: Promise<void> | undefined
  private fillsAgain = false
  private beat: NodeJS.Timeout | undefined
  private beating: Promise<void> | undefined
  private recordsPerSecond = 0
  private isMemoryShort = false
  private beatMs = performance.now()

  private constructor(private readonly options: ClusterWorkerOptions) {
    this.keys = new FleetKeys(options.fleet)
    this.redis = openRedis(options.redis)
    this.listener = openRedis(options.redis)
    this.hosts = [...new Set(options.hosts ?? ownHosts())]
  }

  /** @throws ConnectionError when Redis is not there. */
  static async start(options: ClusterWorkerOptions): Promise<ClusterWorker> {
    const worker = new ClusterWorker(options)
    // A job's code runs in the process that drives it as well, and has no business with them.
    for (const name of ['PIXELREDUCE_SECRET', 'PIXELREDUCE_REDIS']) delete process.env[name]
    try {
      await requireRedis(worker.redis, options.redis)
    } catch (error) {
      worker.redis.disconnect()
      worker.listener.disconnect()
      throw error
    }
    await worker.begin()
    return worker
  }

  /** Takes nothing more, lets its attempts finish for a while, hands over what is left, and says goodbye. */
  async drain(): Promise<void> {
    await Promise.race([this.sayGoodbye(), this.untilNobodyHears()])
    // What Redis could not be told is found lost by the drivers.
    this.isEnded = true
    for (const runner of this.runners) void runner.kill('the worker ends')
    this.listener.disconnect()
    this.redis.disconnect()
  }

  private async sayGoodbye(): Promise<void> {
    const { drainMs = DEFAULT_DRAIN_MS, log } = this.options
    this.isDraining = true
    for (const [jobId, abort] of this.driven) abort.abort(handedOver(this.workerId, `it ends (${jobId})`))
    await Promise.all([...this.drives])
    if (this.running > 0) log(`waiting for ${this.running} attempts, ${drainMs / 1000} s at the most`)
    const untilMs = performance.now() + drainMs
    while (this.running > 0 && performance.now() < untilMs) await this.nextChange(untilMs - performance.now())
    if (this.running > 0) log(`giving ${this.running} attempts back`)
    await this.end()
  }

  /** Redis is away, and stays so when nothing is under way any more. */
  private async untilNobodyHears(): Promise<void> {
    const { drainMs = DEFAULT_DRAIN_MS } = this.options
    const lastMs = performance.now() + drainMs
    for (let beats = 0; beats < GOODBYE_BEATS; ) {
      await new Promise((resolve) => setTimeout(resolve, BEAT_MS).unref())
      const mayWait = this.redis.status === 'ready' || (this.running > 0 && performance.now() < lastMs)
      beats = mayWait ? 0 : beats + 1
    }
  }

  private async begin(): Promise<void> {
    this.spare = this.startRunner()
    this.listener.on('message', (channel: string, text: string) => {
      if (channel === this.keys.control) void this.hear(JSON.parse(text) as ControlMessage)
    })
    await this.listener.subscribe(this.keys.control)
    await this.look()
    await tellWorkers(this.redis, this.keys, { type: 'worker', workerId: this.workerId })
    this.beat = setInterval(() => {
      this.beating ??= this.look()
        .catch((error) => {
          if (!this.isEnded && error instanceof PixelreduceError) this.options.log(describeError(error))
        })
        .finally(() => {
          this.beating = undefined
        })
    }, BEAT_MS)
  }

  private async end(): Promise<void> {
    this.isEnded = true
    clearInterval(this.beat)
    await this.beating
    await this.filling
    await Promise.all([...this.runners].map((runner) => runner.kill('the worker ends')))
    await this.settled()
    await Promise.all([...this.jobs.values()].map((job) => job.close()))
    await forgetWorker(this.redis, this.keys, this.workerId)
    await tellWorkers(this.redis, this.keys, { type: 'worker', workerId: this.workerId })
    this.listener.disconnect()
    await closeRedis(this.redis)
  }

  /** Everything that a message would have said, from what Redis holds; and a sign of life. */
  private async look(): Promise<void> {
    // A listener says nothing by itself, and would not notice that it hears nothing any more.
    void this.listener.ping().catch(() => {})
    const ids = await activeJobIds(this.redis, this.keys)
    for (const jobId of [...this.jobs.keys()]) if (!ids.includes(jobId)) await this.lookForEnd(jobId)
    for (const jobId of [...this.refused.keys()]) if (!ids.includes(jobId)) this.refused.delete(jobId)
    for (const jobId of ids) {
      this.unknown.delete(jobId)
      const record = await readJob(this.redis, this.keys, jobId)
      if (record) await this.attend(record)
    }
    for (const job of this.jobs.values()) await job.renew()
    await this.tellAlive()
    this.fill()
  }

  /** A Redis that has lost its data will be told of its jobs again by whoever drives or follows them. */
  private async lookForEnd(jobId: string): Promise<void> {
    const record = await readJob(this.redis, this.keys, jobId)
    const sinceMs = this.unknown.get(jobId) ?? performance.now()
    const isLost = performance.now() - sinceMs > PATIENCE_MS
    if (isLost || (record && hasEnded(record))) await this.forget(jobId)
    else this.unknown.set(jobId, sinceMs)
  }

  private async hear(message: ControlMessage): Promise<void> {
    try {
      switch (message.type) {
        case 'job': {
          const record = await readJob(this.redis, this.keys, message.jobId)
          if (record) await this.attend(record)
          return
        }
        case 'work': {
          const job = this.jobs.get(message.jobId)
          const record = job?.isFollowing ? undefined : await readJob(this.redis, this.keys, message.jobId)
          if (record) await this.attend(record)
          this.jobs.get(message.jobId)?.noteWork(message.hosts)
          return this.fill()
        }
        case 'kill':
          this.driven
            .get(message.jobId)
            ?.abort(new KilledError(`Cannot go on with ${message.jobId}: it was killed`))
          return await this.jobs.get(message.jobId)?.kill(`${message.jobId} was killed`)
        case 'give-up':
          return this.jobs.get(message.jobId)?.giveUp(message.attempts)
        case 'ended':
          return await this.forget(message.jobId)
        case 'look': {
          const missing = await lookAtPlaces(message.places)
          const reply: LookReply = { workerId: this.workerId, missing }
          await this.redis.publish(this.keys.reply(message.request), JSON.stringify(reply))
        }
      }
    } catch (error) {
      // The next look finds what was missed.
      if (!this.isEnded) this.options.log(describeError(error))
    }
  }

  /** Works for a job, and drives it where nobody does. */
  private async attend(record: JobRecord): Promise<void> {
    const { jobId } = record
    if (this.isDraining || hasEnded(record)) return
    if (record.kill !== undefined) {
      this.driven.get(jobId)?.abort(new KilledError(`Cannot go on with ${jobId}: ${record.kill}`))
      await this.jobs.get(jobId)?.kill(`${jobId} was killed`)
    }
    const rests = () => (this.refused.get(jobId)?.untilMs ?? 0) > performance.now()
    if (!rests() && !this.jobs.has(jobId)) await this.open(record)
    const job = this.jobs.get(jobId)
    if (job) await job.follow(record.epoch)
    if (rests()) return this.endWhereAllRefuse(record)
    await this.drive(record)
  }

  private async open({ jobId, folder }: JobRecord): Promise<void> {
    try {
      const submission = await readSubmission(resolveUri(folder), jobId, this.secret)
      const why = whyRefused(this.versions, submission.version)
      if (why !== undefined) return this.refuse(jobId, { why, untilMs: Number.POSITIVE_INFINITY })
      const job = await JobOnWorker.open(submission, {
        redis: this.redis,
        keys: this.keys,
        workerId: this.workerId,
        host: this.hosts[0]!,
        secret: this.secret,
        startRunner: () => this.takeRunner(),
        memoryBytes: this.memoryBytes,
        mayGoOn: (job) => this.mayGoOn(job),
        onChange: () => {
          this.running--
          this.changed()
          this.fill()
        },
      })
      // Another message may have opened it meanwhile.
      if (this.jobs.has(jobId)) return
      job.usedMs = firstUsedMs(this.jobs.values())
      this.jobs.set(jobId, job)
      this.refused.delete(jobId)
    } catch (error) {
      this.refuseFor(error, { jobId, folder })
    }
  }

  private refuseFor(thrown: unknown, { jobId, folder }: Pick<JobRecord, 'jobId' | 'folder'>): void {
    const isUnseen = thrown instanceof NotFoundError && folder.startsWith('/')
    const error = isUnseen
      ? new UsageError(
          `Cannot use ${folder} with this fleet: worker ${this.workerId} on ${this.hosts[0]} does not see it; mount it on every node, or use webhdfs://`,
          { cause: thrown },
        )
      : thrown
    this.refuse(jobId, {
      why: describeError(error),
      untilMs: performance.now() + REFUSED_MS,
      ...(error instanceof PixelreduceError && ENDING_CODES.has(error.code) ? { error } : {}),
    })
  }

  private refuse(jobId: string, refusal: Refusal): void {
    const { why } = refusal
    if (this.refused.get(jobId)?.why !== why) this.options.log(`can't work for ${jobId}: ${why}`)
    this.refused.set(jobId, refusal)
  }

  /**
   * Ends a job that no worker of the fleet can work for, ever: its folder is gone, or it is not signed. That this
   * worker can't may be its own trouble.
   */
  private async endWhereAllRefuse(record: JobRecord): Promise<void> {
    const { jobId } = record
    const error = this.refused.get(jobId)?.error
    if (!error) return
    const workers = await liveWorkers(this.redis, this.keys)
    if (!workers.every(({ refusedForGood }) => refusedForGood.includes(jobId))) return
    // A driver that is just ending has removed the folder too.
    const lease = await DriverLease.take(this.redis, this.keys, jobId, this.workerId)
    if (!lease) return
    const { message: why, name: whyName } = error
    await endSubmitted(record, { state: 'failed', why, whyName }, { redis: this.redis, keys: this.keys })
    await lease.release()
  }

  private async drive(record: JobRecord): Promise<void> {
    const { jobId } = record
    if (this.driven.has(jobId) || this.driven.size >= MOST_DRIVEN || this.isDraining) return
    const abort = new AbortController()
    if (record.kill !== undefined) abort.abort(new KilledError(`Cannot go on with ${jobId}: ${record.kill}`))
    this.driven.set(jobId, abort)
    const lease = await DriverLease.take(this.redis, this.keys, jobId, this.workerId).catch(() => undefined)
    if (!lease) {
      this.driven.delete(jobId)
      return
    }
    const drive = driveSubmitted(
      record,
      {
        redis: this.redis,
        keys: this.keys,
        workerId: this.workerId,
        secret: this.secret,
        lease,
        openListener: () => openRedis(this.options.redis),
      },
      abort,
    )
      .catch((error) => this.refuseFor(error, record))
      .finally(async () => {
        this.driven.delete(jobId)
        this.drives.delete(drive)
        await lease.release().catch(() => {})
        await tellWorkers(this.redis, this.keys, { type: 'job', jobId }).catch(() => {})
      })
    this.drives.add(drive)
  }

  private async forget(jobId: string): Promise<void> {
    const job = this.jobs.get(jobId)
    this.refused.delete(jobId)
    this.unknown.delete(jobId)
    if (!job) return
    this.jobs.delete(jobId)
    this.attempts.done += job.ended.done
    this.attempts.failed += job.ended.failed
    await job.close()
  }

  /** Takes attempts until the slots are used or the queues are empty. */
  private fill(): void {
    if (this.filling) {
      this.fillsAgain = true
      return
    }
    this.filling = this.fillSlots()
      .catch(() => {
        // Redis is away; the next look tries again.
      })
      .finally(() => {
        this.filling = undefined
        if (this.fillsAgain && !this.isDraining) {
          this.fillsAgain = false
          this.fill()
        }
      })
  }

  private async fillSlots(): Promise<void> {
    while (!this.isDraining) {
      let taken = false
      for (const job of this.ableJobs()) {
        if (this.running >= this.slots + job.ahead) continue
        taken = await job.take()
        if (taken) break
      }
      if (!taken) return
      this.running++
    }
  }

  /** In the order in which they may take a slot. */
  private ableJobs(): JobOnWorker[] {
    const nowMs = performance.now()
    return fairOrder([...this.jobs.values()].filter(({ restUntilMs }) => restUntilMs <= nowMs))
  }

  private mayGoOn(job: JobOnWorker): boolean {
    return !this.isDraining && this.running <= this.slots + job.ahead && this.ableJobs()[0] === job
  }

  /** Fewer where memory is short: what runs must have room to end. */
  private get slots(): number {
    return this.isMemoryShort ? Math.min(1, this.options.threads) : this.options.threads
  }

  private get memoryBytes(): number {
    return Math.floor((this.options.memoryBytes ?? machineMemory() / 2) / MEMORY_SHARES)
  }

  /** One that has booted already, where there is one. */
  private takeRunner(): Runner {
    const runner = this.spare?.isUsable ? this.spare : this.startRunner()
    this.spare = undefined
    // When this one's attempts are under way the next job's may boot.
    setTimeout(() => {
      if (!this.isEnded) this.spare ??= this.startRunner()
    }, SPARE_MS).unref()
    return runner
  }

  private startRunner(): Runner {
    const runner = new Runner(this.options.threads)
    this.runners.add(runner)
    void runner.ended.then(() => this.runners.delete(runner))
    return runner
  }

  private async tellAlive(): Promise<void> {
    this.isMemoryShort = availableMemory() < Math.max(SHORT_BYTES, machineMemory() * SHORT_SHARE)
    const nowMs = performance.now()
    const jobs = [...this.jobs.values()]
    const read = jobs.reduce((sum, job) => sum + job.takeRecordsRead(), 0)
    const rate = read / Math.max(0.001, (nowMs - this.beatMs) / 1000)
    this.beatMs = nowMs
    // Over a few seconds, lest it jump with each task.
    this.recordsPerSecond = this.recordsPerSecond * 0.6 + rate * 0.4
    const sum = (what: 'done' | 'failed') =>
      jobs.reduce((total, job) => total + job.ended[what], this.attempts[what])
    const record: WorkerRecord = {
      workerId: this.workerId,
      hosts: this.hosts,
      pid: process.pid,
      threads: this.options.threads,
      versions: this.versions,
      startedMs: this.startedMs,
      isDraining: this.isDraining,
      memory: {
        totalBytes: machineMemory(),
        availableBytes: availableMemory(),
        ownBytes: process.memoryUsage.rss(),
      },
      running: jobs.flatMap((job) => job.running),
      driving: [...this.driven.keys()],
      refused: Object.fromEntries([...this.refused].map(([jobId, { why }]) => [jobId, why])),
      refusedForGood: [...this.refused].flatMap(([jobId, { error }]) => (error ? [jobId] : [])),
      recordsPerSecond: Math.round(this.recordsPerSecond * 10) / 10,
      attempts: { done: sum('done'), failed: sum('failed') },
    }
    await tellWorker(this.redis, this.keys, record)
  }

  private changed: () => void = () => {}

  /** Waits until an attempt has ended, or for so long. */
  private async nextChange(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.changed = resolve
      timer = setTimeout(resolve, ms)
    })
    clearTimeout(timer)
  }

  /** All attempts have told their end; those of runners that were killed do so in a moment. */
  private async settled(): Promise<void> {
    while (this.running > 0) await this.nextChange(BEAT_MS)
  }
}

/** The names by which a cluster's block locations may know this machine. */
function ownHosts(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const outer = addresses.filter(({ internal }) => !internal).map(({ address }) => address)
  const name = hostname()
  return [name, ...(name.includes('.') ? [name.split('.')[0]!] : []), ...outer]
}

function availableMemory(): number {
  const { availableMemory: available } = process as { availableMemory?: () => number }
  return available?.call(process) ?? machineMemory()
}
