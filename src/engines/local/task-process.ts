import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorFromJson, type TimeoutError } from '../../errors.js'
import { localError } from '../../fs/local/local-error.js'
import type { RunningRecord, TaskProgress, TaskReport, TaskSpec } from '../../mapreduce/task/task.js'
import { QuietTimer } from '../../mapreduce/task/time-limits.js'
import { builtFile } from '../../package-root.js'
import { childEnd } from '../child-process.js'
import { processLost, recordTimeout, taskTimeout } from './lost-attempt.js'
import { type ProcessMessage, type ProcessOrder, type ProcessSettings, readNote } from './process-protocol.js'
import { firstProgress } from './progress-teller.js'
import type { TaskOutcome } from './thread-protocol.js'

/** How often the running records are looked at: so many times within their limit, and not less than each second. */
const LOOKS_PER_LIMIT = 10
const MOST_LOOK_MS = 1000

/** How a process ended. */
interface End {
  /** Its signal, or its exit code, in words. */
  how: string
  /** The records that it was working on. */
  running: RunningRecord[]
}

function openNote(path: string): number {
  try {
    return openSync(path, 'wx+', 0o600)
  } catch (error) {
    return localError('create', path)(error as NodeJS.ErrnoException)
  }
}

/** A process that runs attempts, one after the other. */
export class TaskProcess {
  /** Settles when it has ended and all that it sent was read. */
  readonly ended: Promise<End>
  private readonly child: ChildProcess
  private readonly note: number
  /** Whether it was told to end, or has ended: it can't run anything more. */
  isEnding = false
  private isEnded = false
  private onMessage: ((message: ProcessMessage) => void) | undefined

  constructor(settings: ProcessSettings) {
    const path = join(tmpdir(), `pixelreduce-${randomUUID()}`)
    this.note = openNote(path)
    // Without a name nothing is left of it, however this process ends.
    unlinkSync(path)
    this.child = fork(builtFile('engines', 'local', 'process-worker.js'), [JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', this.note, 'pipe'],
      // As between threads: JSON would make an infinite limit null.
      serialization: 'advanced',
    })
    this.child.on('message', (message: ProcessMessage) => this.onMessage?.(message))
    // After all messages, and after the last word of its note.
    this.ended = childEnd(this.child).then((how) => {
      const running = readNote(this.note) ?? []
      closeSync(this.note)
      this.isEnded = true
      this.isEnding = true
      return { how, running }
    })
  }

  /**
   * @throws what the attempt threw. The process has ended where it is something else: ProcessLostError when
   * it ended by itself, TimeoutError when the attempt or a record took too long, or the signal's reason.
   */
  async run(
    spec: TaskSpec,
    { signal, onProgress }: { signal: AbortSignal; onProgress(progress: TaskProgress): void },
  ): Promise<TaskReport> {
    signal.throwIfAborted()
    let latest = firstProgress(spec)
    let timeout: TimeoutError | undefined
    const giveUp = (error: TimeoutError) => {
      timeout ??= error
      this.kill()
    }
    const kill = () => this.kill()
    signal.addEventListener('abort', kill)
    const stopWatch = this.watch(spec, () => latest, giveUp)
    try {
      const outcome = await new Promise<TaskOutcome | End>((resolve) => {
        this.onMessage = (message) => {
          if ('outcome' in message) return resolve(message.outcome)
          latest = message.progress
          stopWatch.moved()
          onProgress(latest)
        }
        void this.ended.then(resolve)
        // A process that can't be told anything is about to say itself that it has ended.
        this.child.send({ run: spec } satisfies ProcessOrder, () => {})
      })
      if ('report' in outcome) return outcome.report
      if ('error' in outcome) throw errorFromJson(outcome.error)
      signal.throwIfAborted()
      onProgress({ ...latest, running: outcome.running })
      throw timeout ?? processLost(spec, outcome.how, outcome.running)
    } finally {
      this.onMessage = undefined
      stopWatch.stop()
      signal.removeEventListener('abort', kill)
    }
  }

  kill(): void {
    this.isEnding = true
    this.child.kill('SIGKILL')
  }

  /** Gives an attempt up when it, or one of its records, takes too long. */
  private watch(
    { job, taskId, attempt }: TaskSpec,
    latest: () => TaskProgress,
    giveUp: (error: TimeoutError) => void,
  ): { moved(): void; stop(): void } {
    const { taskTimeoutMs, recordTimeoutMs } = job
    const which = { taskId, attempt }
    const quiet =
      taskTimeoutMs === undefined
        ? undefined
        : new QuietTimer(taskTimeoutMs, () => {
            const running = (this.isEnded ? undefined : readNote(this.note)) ?? latest().running ?? []
            giveUp(taskTimeout(which, taskTimeoutMs, running, 'process'))
          })
    let looking: NodeJS.Timeout | undefined
    if (recordTimeoutMs !== undefined) {
      let seenMs = new Map<number, number>()
      const look = () => {
        const running = this.isEnded ? undefined : readNote(this.note)
        if (!running) return
        const nowMs = performance.now()
        seenMs = new Map(running.map(({ ordinal }) => [ordinal, seenMs.get(ordinal) ?? nowMs]))
        const isLate = running.some(({ ordinal }) => nowMs - seenMs.get(ordinal)! >= recordTimeoutMs)
        if (isLate) giveUp(recordTimeout(which, recordTimeoutMs, running))
      }
      looking = setInterval(look, Math.min(MOST_LOOK_MS, Math.ceil(recordTimeoutMs / LOOKS_PER_LIMIT)))
      looking.unref()
    }
    return {
      moved: () => quiet?.moved(),
      stop() {
        quiet?.stop()
        clearInterval(looking)
      },
    }
  }
}
