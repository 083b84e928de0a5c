import { parentPort, threadId, workerData } from 'node:worker_threads'
import { errorToJson } from '../../errors.js'
import { setDecodeGate } from '../../image/decode-gate.js'
import { loadSharp } from '../../image/sharp.js'
import { runTask } from '../../mapreduce/task/run-task.js'
import type { TaskReport, TaskSpec } from '../../mapreduce/task/task.js'
import { firstProgress, progressTeller } from './progress-teller.js'
import { sharedDecodeGate } from './shared-decode-gate.js'
import { sharedMemoryBudget } from './shared-memory-budget.js'
import type { TaskOutcome, WorkerData, WorkerMessage } from './thread-protocol.js'

const { budget, gate } = workerData as WorkerData
const memory = sharedMemoryBudget(budget, threadId)
setDecodeGate(sharedDecodeGate(gate, threadId))

// libvips is opened while the driver is still planning.
loadSharp()
// In a turn of its own, when this module is loaded: until then the thread must not be ended.
setImmediate(() => parentPort?.postMessage({ ready: threadId } satisfies WorkerMessage))

/**
 * What a thread of the pool runs: one attempt of a task. Errors go back as JSON, because a thread's
 * border strips them of their class and fields. To end an attempt the pool ends the thread, so the
 * signal of a task never fires here.
 */
export default async function run(spec: TaskSpec | undefined): Promise<TaskOutcome | undefined> {
  // Nothing to do: the pool was only to add this thread.
  if (!spec) return undefined
  const { recordTimeoutMs } = spec.job
  const progress = progressTeller((told) =>
    parentPort?.postMessage({ progress: told } satisfies WorkerMessage),
  )
  progress.tell(firstProgress(spec))
  try {
    const report: TaskReport = await runTask(spec, {
      signal: new AbortController().signal,
      memory,
      onProgress: progress.tell,
      ...(recordTimeoutMs === undefined ? {} : { recordTimeoutMs }),
    })
    return { report }
  } catch (error) {
    return { error: errorToJson(error) }
  } finally {
    progress.end()
  }
}
