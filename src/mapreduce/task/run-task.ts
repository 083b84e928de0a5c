import type { TaskContext } from './context.js'
import { runJoinTask } from './join-task.js'
import { loadJob } from './loader.js'
import { runMapTask } from './map-task.js'
import type { TaskReport, TaskSpec } from './task.js'

/** Runs one attempt at a task, wherever the engine has put it, and commits it. */
export async function runTask(spec: TaskSpec, context: TaskContext): Promise<TaskReport> {
  switch (spec.kind) {
    case 'map':
      return runMapTask(spec, await loadJob(spec.job), context)
    case 'join':
      return runJoinTask(spec)
  }
}
