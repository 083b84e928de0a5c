import { errorToJson, KilledError, PixelreduceError } from '../../errors.js'
import type { TaskExecutor } from '../../mapreduce/task/task.js'
import { LocalExecutor } from '../local/local-executor.js'
import { ProcessExecutor } from '../local/process-executor.js'
import type { RunnerMessage, RunnerOrder } from './runner-protocol.js'

/*
 * What a runner is: a process of a worker that runs the attempts of one job, on threads or in processes of its
 * own. User code runs here, apart from the worker's locks and its connection to Redis: a crash ends the attempts
 * of one job on one node, and a kill ends them whatever they do.
 */

const slots = Number(process.argv[2])

// Ctrl-C goes to all processes of a terminal: the worker drains and ends this one when it is time.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Also a worker that was killed takes its runners along.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

// Begins before it is known for which job: a thread boots and opens libvips meanwhile.
const threads = new LocalExecutor(slots)
let executor: TaskExecutor = threads
const running = new Map<string, AbortController>()

process.on('message', (order: RunnerOrder) => {
  switch (order.type) {
    case 'open':
      if (order.isolation === 'process') {
        void threads.close()
        executor = new ProcessExecutor(slots, order.memoryBytes)
      } else threads.setMemory(order.memoryBytes)
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
  running.set(attempt, abort)
  try {
    const report = await executor.run(spec, {
      signal: abort.signal,
      onProgress: (progress) => send({ type: 'progress', attempt, progress }),
    })
    send({ type: 'outcome', attempt, outcome: { report } })
  } catch (error) {
    const known =
      error instanceof PixelreduceError ? error : new PixelreduceError(String(error), { cause: error })
    send({ type: 'outcome', attempt, outcome: { error: errorToJson(known) } })
  } finally {
    running.delete(attempt)
  }
}

function send(message: RunnerMessage): void {
  if (process.connected) process.send!(message, undefined, undefined, () => {})
}
