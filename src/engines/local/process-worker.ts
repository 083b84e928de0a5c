import { Worker } from 'node:worker_threads'
import { errorToJson } from '../../errors.js'
import { setDecodeGate } from '../../image/decode-gate.js'
import { loadSharp } from '../../image/sharp.js'
import { runTask } from '../../mapreduce/task/run-task.js'
import type { TaskSpec } from '../../mapreduce/task/task.js'
import { leaveSignalsToParent } from '../child-process.js'
import {
  LIFELINE_DESCRIPTOR,
  NOTE_DESCRIPTOR,
  type ProcessMessage,
  type ProcessOrder,
  type ProcessSettings,
  writeNote,
} from './process-protocol.js'
import { firstProgress, progressTeller } from './progress-teller.js'
import { createSharedGate, sharedDecodeGate } from './shared-decode-gate.js'
import { createSharedBudget, setSharedBudget, sharedMemoryBudget } from './shared-memory-budget.js'
import type { TaskOutcome } from './thread-protocol.js'

/*
 * What a process of the ProcessExecutor runs: one attempt after the other. It ends when the driver ends
 * it, or with the driver.
 */

leaveSignalsToParent()

// On a thread, because a driver that dies must end also a process whose only thread is in an endless loop.
new Worker(
  `const { Socket } = require('node:net')
   new Socket({ fd: ${LIFELINE_DESCRIPTOR}, readable: true, writable: false })
     .on('error', () => {})
     .on('close', () => process.kill(process.pid, 'SIGKILL'))
     .resume()`,
  { eval: true, stdin: false },
).unref()

const { memoryBytes, decodes } = JSON.parse(process.argv[2]!) as ProcessSettings
const budget = createSharedBudget()
setSharedBudget(budget, memoryBytes)
const memory = sharedMemoryBudget(budget, 0)
setDecodeGate(sharedDecodeGate(createSharedGate(decodes), 0))
loadSharp()

process.on('message', async ({ run: spec }: ProcessOrder) => {
  send({ outcome: await run(spec) })
})

async function run(spec: TaskSpec): Promise<TaskOutcome> {
  const progress = progressTeller((told) => send({ progress: told }))
  progress.tell(firstProgress(spec))
  // Records that a failed attempt has left behind may still end: they are no business of the next one.
  let isOver = false
  writeNote(NOTE_DESCRIPTOR, [])
  try {
    const report = await runTask(spec, {
      signal: new AbortController().signal,
      memory,
      onProgress: progress.tell,
      note(running) {
        if (!isOver) writeNote(NOTE_DESCRIPTOR, running)
      },
    })
    return { report }
  } catch (error) {
    return { error: errorToJson(error) }
  } finally {
    isOver = true
    writeNote(NOTE_DESCRIPTOR, [])
    progress.end()
  }
}

function send(message: ProcessMessage): void {
  // The driver may be gone; then so is this process in a moment.
  if (process.connected) process.send!(message, undefined, undefined, () => {})
}
