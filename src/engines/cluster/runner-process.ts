import { errorToJson, KilledError } from '../../errors.js'
import type { JobSpec, TaskExecutor, TaskSpec } from '../../mapreduce/task/task.js'
import { leaveSignalsToParent } from '../child-process.js'
import { LocalExecutor } from '../local/local-executor.js'
import { ProcessExecutor } from '../local/process-executor.js'
import type { RunnerMessage, RunnerOrder } from './runner-protocol.js'

/*
 * What a runner is: a process of a worker that runs the attempts of one job, on threads or in processes of its
 * own. User code runs here, apart from the worker's locks and its connection to Redis: a crash ends the attempts
 * of one job on one node, and a kill ends them whatever they do.
 */

const slots = Number(process.argv[2])

/** How long an attempt says nothing at first. */
const SILENT_MS = 50

leaveSignalsToParent()
// Also a worker that was killed takes its runners along.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

// Begins before it is known for which job: a thread boots and opens libvips meanwhile.
const threads = new LocalExecutor(slots)
let executor: TaskExecutor = threads
const running = new Map<string, AbortController>()
let job: JobSpec

process.on('message', (order: RunnerOrder) => {
  switch (order.type) {
    case 'open':
      if (order.isolation === 'process') {
        void threads.close()
        executor = new ProcessExecutor(slots, order.memoryBytes)
      } else threads.setMemory(order.memoryBytes)
      break
    case 'job':
      job = order.job
      break
    case 'run':
      void run(order)
      break
    case 'give-up':
      running.get(order.attempt)?.abort(new KilledError(`Attempt ${order.attempt} was given up`))
  }
})

async function run({ attempt, spec }: Extract<RunnerOrder, { type: 'run' }>): Promise<void> {
  const abort = new AbortController()
  const startedMs = performance.now()
  running.set(attempt, abort)
  try {
    const report = await executor.run({ ...spec, job } as TaskSpec, {
      signal: abort.signal,
      onProgress(progress) {
        // A short attempt tells of itself when it has ended.
        if (performance.now() - startedMs >= SILENT_MS) send({ type: 'progress', attempt, progress })
      },
    })
    send({ type: 'outcome', attempt, outcome: { report } })
  } catch (error) {
    send({ type: 'outcome', attempt, outcome: { error: errorToJson(error) } })
  } finally {
    running.delete(attempt)
  }
}

function send(message: RunnerMessage): void {
  if (process.connected) process.send!(message, undefined, undefined, () => {})
}
