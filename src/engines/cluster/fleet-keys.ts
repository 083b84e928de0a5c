/*
 * What a fleet keeps in Redis. None of it is an image, a key of a record or a line of an input, and all of it
 * can be lost: the job's folder has what matters.
 *
 *   <fleet>:jobs                     set: ids of the jobs that have not ended
 *   <fleet>:ended                    sorted set: ids of those that have, by the time of their end
 *   <fleet>:job:<id>                 hash: see job-record.ts; goes a week after the job's end
 *   <fleet>:lease:<id>               string, expires: id of the worker that drives the job
 *   <fleet>:worker:<id>              string, expires: JSON, see worker-record.ts
 *   <fleet>:workers                  set: ids of the workers, those that have expired included
 *   <fleet>:queue:<id>-<epoch>:*     BullMQ's: attempts that any worker may take
 *   <fleet>:queue:<id>-<epoch>@<host>:*   BullMQ's: attempts whose data lie on a host
 *
 * and its channels:
 *
 *   <fleet>:control                  to every worker; see control-message.ts
 *   <fleet>:attempts:<id>            from workers to the job's driver; see attempt-message.ts
 *   <fleet>:progress:<id>            from the job's driver to whoever follows it
 *   <fleet>:reply:<request>          from workers to whoever asked them something
 */

export const DEFAULT_FLEET = 'pixelreduce'

export class FleetKeys {
  readonly jobs: string
  readonly ended: string
  readonly workers: string
  readonly control: string
  /** BullMQ's prefix. */
  readonly queuePrefix: string

  constructor(private readonly fleet: string = DEFAULT_FLEET) {
    this.jobs = `${fleet}:jobs`
    this.ended = `${fleet}:ended`
    this.workers = `${fleet}:workers`
    this.control = `${fleet}:control`
    this.queuePrefix = `${fleet}:queue`
  }

  job(jobId: string): string {
    return `${this.fleet}:job:${jobId}`
  }

  lease(jobId: string): string {
    return `${this.fleet}:lease:${jobId}`
  }

  worker(workerId: string): string {
    return `${this.fleet}:worker:${workerId}`
  }

  attempts(jobId: string): string {
    return `${this.fleet}:attempts:${jobId}`
  }

  progress(jobId: string): string {
    return `${this.fleet}:progress:${jobId}`
  }

  reply(request: string): string {
    return `${this.fleet}:reply:${request}`
  }
}

/** Name of the queue of a job's attempts: those for any worker, or those for the workers of a host. */
export function queueName(jobId: string, epoch: number, host?: string): string {
  // BullMQ parts its keys with colons.
  return `${jobId}-${epoch}${host === undefined ? '' : `@${host.replaceAll(':', '_')}`}`
}
