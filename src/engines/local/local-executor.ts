import { pathToFileURL } from 'node:url'
import { Piscina } from 'piscina'
import { errorFromJson, PixelreduceError } from '../../errors.js'
import type { TaskExecutor, TaskProgress, TaskReport, TaskSpec } from '../../mapreduce/task/task.js'
import { builtFile } from '../../package-root.js'
import { createSharedGate } from './shared-decode-gate.js'
import { createSharedBudget, setSharedBudget } from './shared-memory-budget.js'
import type { ProgressMessage, TaskOutcome, WorkerData } from './thread-protocol.js'

/** Runs tasks on the worker threads of this process; the first thread starts at once, others when needed. */
export class LocalExecutor implements TaskExecutor {
  private readonly pool: Piscina
  private readonly budget = createSharedBudget()
  private readonly listeners = new Map<string, (progress: TaskProgress) => void>()

  /** @param slots threads, and pictures decoded at once */
  constructor(readonly slots: number) {
    const workerData: WorkerData = { budget: this.budget, gate: createSharedGate(slots) }
    this.pool = new Piscina({
      filename: pathToFileURL(builtFile('engines', 'local', 'worker.js')).href,
      minThreads: 1,
      maxThreads: slots,
      idleTimeout: Number.POSITIVE_INFINITY,
      // A thread that blocks between tasks could not finish what its last task left to the event loop.
      atomics: 'disabled',
      workerData,
    })
    // A thread that ends takes its task along, and that is told by the task; the rest is nobody's failure.
    this.pool.on('error', () => {})
    this.pool.on('message', ({ progress }: ProgressMessage) => {
      this.listeners.get(progress.taskId)?.(progress)
    })
  }

  /** Sets the bytes that pictures being decoded may take together; before the first task. */
  setMemory(bytes: number): void {
    setSharedBudget(this.budget, bytes)
  }

  async run(
    spec: TaskSpec,
    { signal, onProgress }: { signal: AbortSignal; onProgress(progress: TaskProgress): void },
  ): Promise<TaskReport> {
    this.listeners.set(spec.taskId, onProgress)
    try {
      const outcome = (await this.pool.run(spec, { signal })) as TaskOutcome
      if ('error' in outcome) throw errorFromJson(outcome.error)
      return outcome.report
    } catch (error) {
      if (error instanceof PixelreduceError) throw error
      signal.throwIfAborted()
      throw new PixelreduceError(`Cannot run task ${spec.taskId}: its thread ended`, {
        cause: error,
        retriable: true,
      })
    } finally {
      this.listeners.delete(spec.taskId)
    }
  }

  async close(): Promise<void> {
    await this.pool.destroy()
  }
}
