import { KilledError } from '../../errors.js'
import type { TaskExecutor, TaskProgress, TaskReport, TaskSpec } from '../../mapreduce/task/task.js'
import { TaskProcess } from './task-process.js'

/** An attempt for which no process is free. */
interface Waiting {
  resolve(runner: TaskProcess): void
  reject(reason: unknown): void
}

/**
 * Runs each attempt in a process of its own, which is used again for the next one: what crashes, hangs or
 * eats all memory there costs one attempt and nothing else, and can be ended whatever it does. A process
 * works on one task at a time, decodes one picture at a time, and has its share of the memory.
 */
export class ProcessExecutor implements TaskExecutor {
  private readonly processes = new Set<TaskProcess>()
  private readonly idle: TaskProcess[] = []
  private readonly waiting: Waiting[] = []
  private isClosed = false

  /**
   * @param slots processes at the most, and pictures decoded at once
   * @param memoryBytes that pictures being decoded may take together
   */
  constructor(
    readonly slots: number,
    private readonly memoryBytes: number,
  ) {}

  async run(
    spec: TaskSpec,
    options: { signal: AbortSignal; onProgress(progress: TaskProgress): void },
  ): Promise<TaskReport> {
    const runner = await this.take(options.signal)
    try {
      return await runner.run(spec, options)
    } finally {
      this.giveBack(runner)
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
    for (const { reject } of this.waiting.splice(0)) reject(closed())
    const ended = [...this.processes].map((each) => {
      each.kill()
      return each.ended
    })
    await Promise.all(ended)
  }

  private async take(signal: AbortSignal): Promise<TaskProcess> {
    signal.throwIfAborted()
    if (this.isClosed) throw closed()
    const free = this.idle.pop() ?? (this.processes.size < this.slots ? this.start() : undefined)
    if (free) return free
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.waiting.splice(this.waiting.indexOf(turn), 1)
        reject(signal.reason)
      }
      const turn: Waiting = {
        resolve(runner) {
          signal.removeEventListener('abort', abort)
          resolve(runner)
        },
        reject,
      }
      signal.addEventListener('abort', abort)
      this.waiting.push(turn)
    })
  }

  private start(): TaskProcess {
    const runner = new TaskProcess({
      memoryBytes: Math.max(1, Math.floor(this.memoryBytes / this.slots)),
      decodes: 1,
    })
    this.processes.add(runner)
    void runner.ended.then(() => {
      this.processes.delete(runner)
      const at = this.idle.indexOf(runner)
      if (at >= 0) this.idle.splice(at, 1)
      // Another one takes its place when there is something to do.
      if (!this.isClosed && this.waiting.length > 0) this.waiting.shift()!.resolve(this.start())
    })
    return runner
  }

  private giveBack(runner: TaskProcess): void {
    if (this.isClosed || !this.processes.has(runner) || runner.isEnding) return
    const next = this.waiting.shift()
    if (next) next.resolve(runner)
    else this.idle.push(runner)
  }
}

function closed(): KilledError {
  return new KilledError('Cannot run a task: the processes are being ended')
}
