import { NotFoundError } from '../../errors.js'
import { joinPath } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { readJson } from '../../fs/text.js'
import type { StoredPlan } from '../../mapreduce/driver/resume.js'
import { mapTaskId, PLAN_FILE } from '../../mapreduce/task/layout.js'
import type { JobSpec, TaskSpec } from '../../mapreduce/task/task.js'
import { type AttemptReference, attemptName } from './attempt-message.js'
import { specFile } from './submission.js'

/** A job's plan as a worker keeps it: what turns a reference into the spec of an attempt. */
export class AttemptSpecs {
  private readonly sources: string[]

  private constructor(
    private readonly folder: Location,
    readonly stored: StoredPlan,
  ) {
    this.sources = stored.plan.splits.map((_, index) => mapTaskId(index))
  }

  /** @throws NotFoundError when the folder has no plan that is seen from here. */
  static async read(folder: Location): Promise<AttemptSpecs> {
    const stored = await readJson<StoredPlan>(folder.fs, joinPath(folder.path, PLAN_FILE))
    if (!stored) throw new NotFoundError(`Cannot find the plan of the job in ${uriOf(folder)}`)
    return new AttemptSpecs(folder, stored)
  }

  async specOf(reference: AttemptReference): Promise<TaskSpec> {
    const { taskId, epoch, attempt } = reference
    const job: JobSpec = { ...this.stored.job, epoch }
    if (reference.hasSpec) {
      const { fs, path } = this.folder
      const spec = await readJson<Omit<TaskSpec, 'job'>>(fs, specFile(path, attemptName(reference)))
      if (!spec) throw new NotFoundError(`Cannot find the spec of attempt ${attemptName(reference)}`)
      return { ...spec, job } as TaskSpec
    }
    const [kind, number] = [taskId[0], Number(taskId.slice(2))]
    if (kind === 'r') {
      return { kind: 'reduce', job, taskId, attempt, partition: number, sources: this.sources }
    }
    const split = this.stored.plan.splits[number]
    if (kind !== 'm' || !split) throw new NotFoundError(`Cannot find task ${taskId} in the plan of the job`)
    return { kind: 'map', job, taskId, attempt, split }
  }
}
