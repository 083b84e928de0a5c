import { setMaxListeners } from 'node:events'
import { FencedError, KilledError, PixelreduceError, WorkerLostError } from '../../errors.js'
import type { TaskExecutor, TaskProgress, TaskReport, TaskSpec } from '../task/task.js'
import { QuietTimer } from '../task/time-limits.js'
import { LostRecords } from './lost-records.js'
import { findStraggler, type SpeculationPolicy } from './speculation.js'
import type { AttemptCounts, AttemptInWork, StageOptions, StageResult } from './stage-options.js'
import { isFinal, taskFailure } from './task-failure.js'
import { type AttemptState, nextAttemptState, nextTaskState, type TaskState } from './task-state.js'

/** First wait before another attempt, doubled each time. */
const BACKOFF_MS = 100

/** Attempts at a task that may get lost with their workers before that is taken for its own doing. */
const MOST_LOST = 10

/** How often slow tasks are looked for, as a share of the age from which they count. */
const LOOKS_PER_AGE = 10
const MOST_LOOK_MS = 1000

interface Attempt {
  number: number
  state: AttemptState
  readonly abort: AbortController
  /** When the engine began it; it may have waited there. */
  startedMs?: number
  progress?: TaskProgress
}

interface Task {
  readonly spec: TaskSpec
  readonly index: number
  state: TaskState
  /** Those that run. */
  readonly attempts: Set<Attempt>
  launched: number
  /** Failed attempts since a record was last found that had ended them. */
  failures: number
  /** Attempts that went with their workers. */
  gone: number
  readonly lost: LostRecords
}

/**
 * Runs the tasks of a stage, as many at once as the executor has slots, each in attempts until one is
 * committed. A slow task gets a second attempt beside the first while slots are free; the first commit wins.
 * @throws TaskFailedError when a task failed for good; the others are given up first.
 */
export function runStage(
  specs: readonly TaskSpec[],
  executor: TaskExecutor,
  options: StageOptions,
): Promise<StageResult> {
  return new Stage(specs, executor, options).run()
}

class Stage {
  private readonly tasks: Task[]
  private readonly waiting: Task[]
  private readonly reports: TaskReport[]
  private readonly counts: AttemptCounts = { launched: 0, failed: 0, killed: 0 }
  private readonly giveUp = new AbortController()
  private readonly signal: AbortSignal
  private readonly backOffs = new Set<NodeJS.Timeout>()
  /** How long each finished task took. */
  private readonly finishedMs: number[] = []
  /** Attempts that the executor has. */
  private busy = 0
  private settle: () => void = () => {}
  private quiet: QuietTimer | undefined

  constructor(
    specs: readonly TaskSpec[],
    private readonly executor: TaskExecutor,
    private readonly options: StageOptions,
  ) {
    this.tasks = specs.map((spec, index) => ({
      spec,
      index,
      state: 'waiting',
      attempts: new Set(),
      launched: 0,
      failures: 0,
      gone: 0,
      lost: new LostRecords(spec.kind),
    }))
    this.waiting = [...this.tasks]
    this.reports = new Array(specs.length)
    this.signal = AbortSignal.any([options.signal, this.giveUp.signal])
    // Each attempt listens; that is no leak.
    setMaxListeners(0, this.signal)
  }

  async run(): Promise<StageResult> {
    const { quietMs, onQuiet, speculation } = this.options
    this.signal.throwIfAborted()
    const settled = new Promise<void>((resolve) => {
      this.settle = resolve
    })
    if (quietMs !== undefined) this.quiet = new QuietTimer(quietMs, (ms) => onQuiet?.(ms, this.inWork()))
    const lookMs = Math.min(MOST_LOOK_MS, Math.ceil((speculation?.afterMs ?? 0) / LOOKS_PER_AGE))
    const looking = speculation ? setInterval(() => this.speculate(speculation), lookMs) : undefined
    const onAbort = () => this.proceed()
    this.signal.addEventListener('abort', onAbort)
    try {
      this.proceed()
      await settled
    } finally {
      this.signal.removeEventListener('abort', onAbort)
      clearInterval(looking)
      this.quiet?.stop()
    }
    this.signal.throwIfAborted()
    return { reports: this.reports, attempts: this.counts }
  }

  /** Starts what can be started; ends the stage when nothing is under way any more. */
  private proceed(): void {
    if (this.signal.aborted) {
      for (const timer of this.backOffs) clearTimeout(timer)
      if (this.busy > 0) return
      for (const task of this.tasks) if (!isOver(task)) this.move(task, 'killed')
      this.settle()
      return
    }
    // One more than slots: the next task's spec waits at the executor when a slot comes free.
    while (this.busy <= this.executor.slots && this.waiting.length > 0) this.launch(this.waiting.shift()!)
    if (this.busy === 0 && this.tasks.every(isOver)) this.settle()
  }

  private launch(task: Task): void {
    const attempt: Attempt = {
      number: task.spec.attempt + task.launched++,
      state: 'running',
      abort: new AbortController(),
    }
    task.attempts.add(attempt)
    if (task.state === 'waiting') this.move(task, 'running')
    this.counts.launched++
    this.busy++
    this.quiet?.moved()
    void this.runAttempt(task, attempt)
      .catch((error) => this.giveUp.abort(error))
      .finally(() => {
        task.attempts.delete(attempt)
        this.busy--
        this.quiet?.moved()
        this.proceed()
      })
  }

  private async runAttempt(task: Task, attempt: Attempt): Promise<void> {
    const spec = { ...task.spec, ...task.lost.spec, attempt: attempt.number }
    let report: TaskReport
    try {
      report = await this.executor.run(spec, {
        signal: AbortSignal.any([this.signal, attempt.abort.signal]),
        onProgress: (progress) => this.noteProgress(task, attempt, progress),
      })
    } catch (thrown) {
      return this.afterError(task, attempt, spec, thrown)
    }
    this.succeed(task, attempt, report)
  }

  private noteProgress(task: Task, attempt: Attempt, progress: TaskProgress): void {
    if (attempt.startedMs === undefined) this.options.onBegin?.(progress)
    attempt.startedMs ??= performance.now()
    attempt.progress = progress
    this.quiet?.moved()
    if (isOver(task)) return
    // Of two attempts the one counts that is ahead.
    const isBehind = [...task.attempts].some((other) => (other.progress?.read ?? 0) > progress.read)
    if (isBehind) return
    try {
      this.options.onProgress(progress)
    } catch (error) {
      this.giveUp.abort(error)
    }
  }

  /** The first attempt that says so has committed the task; any other one is given up. */
  private succeed(task: Task, attempt: Attempt, report: TaskReport): void {
    if (isOver(task)) {
      this.kill(task, attempt)
      return
    }
    attempt.state = nextAttemptState(attempt.state, 'succeeded')
    this.move(task, 'succeeded')
    this.reports[task.index] = report
    if (attempt.startedMs !== undefined) this.finishedMs.push(performance.now() - attempt.startedMs)
    for (const other of task.attempts) {
      if (other !== attempt) other.abort.abort(new KilledError(`Attempt ${attempt.number} was first`))
    }
    this.options.onReport(report)
  }

  private async afterError(task: Task, attempt: Attempt, spec: TaskSpec, thrown: unknown): Promise<void> {
    if (this.signal.aborted) return this.kill(task, attempt)
    if (task.state !== 'succeeded') {
      // Also an attempt whose process died may have committed before, or another one in its place.
      const winner = await this.committed(spec, thrown)
      if (winner) return this.succeed(task, attempt, winner)
    }
    // Where nothing can be removed nothing can be written either; the job's own clean-up tells why.
    const isRemoved = await this.options.abortAttempt(spec).then(
      () => true,
      () => false,
    )
    if (this.signal.aborted || task.state === 'succeeded') return this.kill(task, attempt)
    const error =
      thrown instanceof PixelreduceError ? thrown : new PixelreduceError(String(thrown), { cause: thrown })
    if (error instanceof WorkerLostError && isRemoved && ++task.gone < MOST_LOST) {
      this.kill(task, attempt, error)
      const isAlone = ![...task.attempts].some((other) => other !== attempt && other.state === 'running')
      if (isAlone) this.backOff(task)
      return
    }
    const hasOther = [...task.attempts].some((other) => other !== attempt && other.state === 'running')
    attempt.state = nextAttemptState(attempt.state, 'failed')
    this.counts.failed++
    if (task.lost.learn(error, attempt.progress?.running ?? [])) task.failures = 0
    else task.failures++
    const { maxAttempts = 4 } = this.options
    const again = isRemoved && !isFinal(error) && task.failures < maxAttempts
    this.options.onFailure({ taskId: spec.taskId, attempt: attempt.number, error, again })
    if (!again) {
      this.move(task, 'failed')
      throw taskFailure(error, { taskId: spec.taskId, attempt: attempt.number, failures: task.failures })
    }
    if (!hasOther) this.backOff(task)
  }

  private async committed({ kind, taskId }: TaskSpec, thrown: unknown): Promise<TaskReport | undefined> {
    if (kind === 'sample') return undefined
    const reading = this.options.committedReport(taskId)
    // It was asked in case; what is wrong there is not what went wrong.
    return thrown instanceof FencedError ? reading : reading.catch(() => undefined)
  }

  private backOff(task: Task): void {
    this.move(task, 'backing-off')
    const timer = setTimeout(
      () => {
        this.backOffs.delete(timer)
        this.queue(task)
        this.proceed()
      },
      BACKOFF_MS * 2 ** Math.max(0, task.failures - 1),
    )
    this.backOffs.add(timer)
  }

  private queue(task: Task): void {
    this.move(task, 'waiting')
    this.waiting.push(task)
  }

  /** @param error how it was lost, where it was */
  private kill({ spec: { taskId } }: Task, attempt: Attempt, error?: PixelreduceError): void {
    attempt.state = nextAttemptState(attempt.state, 'killed')
    this.counts.killed++
    const { number } = attempt
    if (error) this.options.onLost?.({ taskId, attempt: number, error })
    else this.options.onKilled?.({ taskId, attempt: number })
  }

  private move(task: Task, to: TaskState): void {
    task.state = nextTaskState(task.state, to)
  }

  /** Starts a second attempt at the slowest task, where nothing else could use the slot. */
  private speculate(policy: SpeculationPolicy): void {
    if (this.signal.aborted || this.waiting.length > 0 || this.busy >= this.executor.slots) return
    const running = this.tasks.flatMap((task) => {
      const [attempt, second] = task.attempts
      if (task.state !== 'running' || second || attempt?.startedMs === undefined) return []
      const runMs = performance.now() - attempt.startedMs
      return [{ task, runMs, share: attempt.progress?.share ?? 0 }]
    })
    const slow = findStraggler(running, this.finishedMs, this.tasks.length, policy)
    if (!slow) return
    const attempt = slow.task.spec.attempt + slow.task.launched
    this.options.onSpeculation?.({ taskId: slow.task.spec.taskId, attempt })
    this.launch(slow.task)
  }

  private inWork(): AttemptInWork[] {
    return this.tasks.flatMap(({ spec: { taskId }, attempts }) =>
      [...attempts].map(({ number, progress }) => ({
        taskId,
        attempt: number,
        running: progress?.running ?? [],
      })),
    )
  }
}

function isOver({ state }: Task): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'killed'
}
