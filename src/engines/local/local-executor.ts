import { cpus } from 'node:os'
import type { EventLoopUtilization } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { errorFromJson, PixelreduceError, type TimeoutError } from '../../errors.js'
import type { TaskExecutor, TaskProgress, TaskReport, TaskSpec } from '../../mapreduce/task/task.js'
import { QuietTimer } from '../../mapreduce/task/time-limits.js'
import { builtFile } from '../../package-root.js'
import { taskTimeout } from './lost-attempt.js'
import { createSharedGate, releaseGate } from './shared-decode-gate.js'
import { createSharedBudget, releaseBudget, setSharedBudget } from './shared-memory-budget.js'
import type { TaskOutcome, WorkerData, WorkerMessage } from './thread-protocol.js'

/** libvips works outside of the threads, so one thread keeps this many decodes going. */
const DECODES_PER_THREAD = 4

/** How often the threads are looked at, and the share of the time that a busy one works. */
const LOOK_MS = 200
const BUSY_SHARE = 0.8

/** With this share of the machine's time unused tasks wait for files or a network: more at once help. */
const IDLE_SHARE = 0.3

/** Looks in a row that find all threads busy: the first may find them loading the job. */
const BUSY_LOOKS = 2

/** A thread that loads for longer than this hangs. */
const LOADING_MS = 10_000

/** Where no task has moved for so long, those that wait get a thread that moves. */
const STUCK_MS = 1000

/**
 * Runs tasks on worker threads of this process. It begins with as many as decoding takes, of which the
 * first boots at once, and adds threads up to the slots while those there are busy with JavaScript, or while
 * nothing is busy and tasks wait: thumbnails need few, OpenCV and a slow file system need them all. A thread has one task, so that ending it ends nothing else;
 * where all hang another thread is added as well.
 */
export class LocalExecutor implements TaskExecutor {
  private readonly pool: Piscina
  private readonly budget = createSharedBudget()
  private readonly gate: SharedArrayBuffer
  private readonly listeners = new Map<string, (progress: TaskProgress) => void>()
  private readonly looking: NodeJS.Timeout
  private readonly ready = new Map<number, EventLoopUtilization>()
  /** Threads whose loading somebody waits for. */
  private readonly loading = new Map<number, { done: Promise<void>; end(): void }>()
  private busyLooks = 0
  private machine = machineTime()
  private movedMs = performance.now()

  /** @param slots pictures decoded at once, and threads at the most */
  constructor(readonly slots: number) {
    this.gate = createSharedGate(slots)
    const workerData: WorkerData = { budget: this.budget, gate: this.gate }
    this.pool = new Piscina({
      filename: pathToFileURL(builtFile('engines', 'local', 'worker.js')).href,
      minThreads: 1,
      maxThreads: Math.ceil(slots / DECODES_PER_THREAD),
      idleTimeout: Number.POSITIVE_INFINITY,
      // A thread that blocks between tasks could not finish what its last task left to the event loop.
      atomics: 'disabled',
      workerData,
    })
    // A thread that ends takes its task along, and that is told by the task; the rest is nobody's failure.
    this.pool.on('error', () => {})
    this.pool.on('message', (message: WorkerMessage) => {
      if ('ready' in message) this.noteReady(message.ready)
      else this.listeners.get(nameOf(message.progress))?.(message.progress)
    })
    this.looking = setInterval(() => this.addThreadWhereBusy(), LOOK_MS).unref()
  }

  /** Sets the bytes that pictures being decoded may take together; before the first task. */
  setMemory(bytes: number): void {
    setSharedBudget(this.budget, bytes)
  }

  async run(
    spec: TaskSpec,
    { signal, onProgress }: { signal: AbortSignal; onProgress(progress: TaskProgress): void },
  ): Promise<TaskReport> {
    const { taskTimeoutMs } = spec.job
    const giveUp = new AbortController()
    let latest: TaskProgress | undefined
    let timeout: TimeoutError | undefined
    let quiet: QuietTimer | undefined
    this.listeners.set(nameOf(spec), (progress) => {
      // Its time begins with its first word: until then it waits for a thread.
      if (taskTimeoutMs !== undefined) {
        quiet ??= new QuietTimer(taskTimeoutMs, () => {
          timeout ??= taskTimeout(spec, taskTimeoutMs, latest?.running ?? [], 'thread')
          giveUp.abort(timeout)
        })
      }
      latest = progress
      this.movedMs = performance.now()
      quiet?.moved()
      onProgress(progress)
    })
    const onAbort = () => void this.loaded().then(() => giveUp.abort(signal.reason))
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    try {
      const outcome = (await this.pool.run(spec, { signal: giveUp.signal })) as TaskOutcome
      if ('error' in outcome) throw errorFromJson(outcome.error)
      return outcome.report
    } catch (error) {
      if (error instanceof PixelreduceError) throw error
      signal.throwIfAborted()
      if (timeout) throw timeout
      throw new PixelreduceError(`Cannot run task ${spec.taskId}: its thread ended`, {
        cause: error,
        retriable: true,
      })
    } finally {
      signal.removeEventListener('abort', onAbort)
      quiet?.stop()
      this.listeners.delete(nameOf(spec))
    }
  }

  async close(): Promise<void> {
    clearInterval(this.looking)
    await this.loaded()
    await this.pool.destroy()
  }

  /** Waits for threads that are loading: Node dies where one is ended in the middle of it. */
  private async loaded(): Promise<void> {
    const loading = this.pool.threads.filter(({ threadId }) => !this.ready.has(threadId))
    await Promise.all(loading.map((thread) => this.loadedThread(thread)))
  }

  private loadedThread(thread: Worker): Promise<void> {
    const { threadId } = thread
    const known = this.loading.get(threadId)
    if (known) return known.done
    let end = () => {}
    const done = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOADING_MS)
      end = () => {
        clearTimeout(timer)
        this.loading.delete(threadId)
        resolve()
      }
    })
    this.loading.set(threadId, { done, end })
    thread.once('exit', end)
    return done
  }

  private noteReady(threadId: number): void {
    this.loading.get(threadId)?.end()
    const thread = this.pool.threads.find((each) => each.threadId === threadId)
    if (!thread) return
    this.ready.set(threadId, thread.performance.eventLoopUtilization())
    thread.once('exit', () => {
      this.ready.delete(threadId)
      releaseBudget(this.budget, threadId)
      releaseGate(this.gate, threadId)
    })
  }

  private addThreadWhereBusy(): void {
    const { threads, options, queueSize } = this.pool
    if (queueSize === 0 || threads.length >= this.slots || threads.length < options.maxThreads) return
    const machine = machineTime()
    const isIdle = machine.idleMs - this.machine.idleMs > IDLE_SHARE * (machine.allMs - this.machine.allMs)
    this.machine = machine
    let areBusy = true
    for (const thread of threads) {
      const before = this.ready.get(thread.threadId)
      if (!before) return
      const now = thread.performance.eventLoopUtilization()
      this.ready.set(thread.threadId, now)
      areBusy &&= thread.performance.eventLoopUtilization(now, before).utilization >= BUSY_SHARE
    }
    this.busyLooks = areBusy || isIdle ? this.busyLooks + 1 : 0
    const areStuck = performance.now() - this.movedMs >= STUCK_MS
    if (this.busyLooks < BUSY_LOOKS && !areStuck) return
    this.busyLooks = 0
    this.movedMs = performance.now()
    options.maxThreads++
    // The pool adds a thread when a task comes, not when it may.
    void this.pool.run(undefined).catch(() => {})
  }
}

/** Milliseconds of all cores since the machine was started, and those in which they had nothing to do. */
function machineTime(): { idleMs: number; allMs: number } {
  let idleMs = 0
  let allMs = 0
  for (const { times } of cpus()) {
    idleMs += times.idle
    allMs += times.user + times.nice + times.sys + times.irq + times.idle
  }
  return { idleMs, allMs }
}

function nameOf({ taskId, attempt }: { taskId: string; attempt: number }): string {
  return `${taskId}_${attempt}`
}
