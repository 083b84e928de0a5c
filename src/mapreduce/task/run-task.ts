import type { TaskContext } from './context.js'
import { runJoinTask } from './join-task.js'
import { loadJob } from './loader.js'
import { runMapTask } from './map-task.js'
import { runReduceTask } from './reduce-task.js'
import { runSampleTask } from './sample-task.js'
import type { TaskReport, TaskSpec } from './task.js'

/** Runs one attempt at a task, wherever the engine has put it, and commits it. */
export async function runTask(spec: TaskSpec, context: TaskContext): Promise<TaskReport> {
  try {
    switch (spec.kind) {
      case 'map':
        return await runMapTask(spec, await loadJob(spec.job), context)
      case 'reduce':
        return await runReduceTask(spec, await loadJob(spec.job), context)
      case 'sample':
        return await runSampleTask(spec, await loadJob(spec.job), context)
      case 'join':
        return await runJoinTask(spec, context)
    }
  } catch (error) {
    throw firstOf(error)
  }
}

/** Of a failure and those of the clean-up after it, which `await using` wraps around it, the first one. */
function firstOf(error: unknown): unknown {
  let first = error
  while (first instanceof Error && first.name === 'SuppressedError' && 'suppressed' in first) {
    first = first.suppressed
  }
  return first
}
