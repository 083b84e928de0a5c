import { Fleet } from '../../engines/cluster/fleet.js'
import type { JobRecord } from '../../engines/cluster/job-record.js'
import type { FleetAddress } from '../../engines/cluster/redis.js'
import { watch } from '../../engines/cluster/submit-job.js'
import { UsageError } from '../../errors.js'
import { resolveUri } from '../../fs/resolve.js'
import { type HistoryPlace, readHistoryText } from '../../mapreduce/history/history-reader.js'
import { EXIT } from '../exit.js'
import { followJob } from '../follow-job.js'
import { writeLine } from '../output.js'
import { duration, type ProgressStyle } from '../progress.js'
import { writeTable } from '../table.js'
import { localTime } from './local-time.js'
import { showLogs } from './logs.js'
import { showJob } from './show.js'

interface FleetJobsCall {
  json: boolean
  progress: ProgressStyle
  signal: AbortSignal
}

/** What `pixelreduce jobs` does with the jobs of a fleet. @returns the exit code */
export async function fleetJobs(
  address: FleetAddress,
  what: string,
  job: string | undefined,
  call: FleetJobsCall,
): Promise<number> {
  await using fleet = await Fleet.connect(address)
  if (what === 'list') return await list(fleet, call.json)
  if (job === undefined) {
    throw new UsageError(
      `Cannot ${what} a job: no id is given; "pixelreduce jobs list" shows those of the fleet`,
    )
  }
  const record = await fleet.findJob(job)
  switch (what) {
    case 'show':
      return await show(fleet, record, call.json)
    case 'logs':
      return await showLogs(placeOf(record), call.json)
    case 'follow':
      return await follow(address, record, call)
    case 'kill':
      return await kill(fleet, record, call.json)
  }
  throw new UsageError(`Cannot do "${what}" with jobs: it must be list, show, logs, follow, kill or retry`)
}

async function list(fleet: Fleet, json: boolean): Promise<number> {
  const records = (await fleet.jobs()).reverse()
  if (json) {
    for (const record of records) await writeLine(JSON.stringify(record))
    return EXIT.done
  }
  if (records.length === 0) {
    process.stderr.write('jobs: the fleet knows of none\n')
    return EXIT.done
  }
  await writeTable([
    ['ID', 'JOB', 'STATE', 'SUBMITTED', 'BY', 'PRIORITY', 'OUTPUT'],
    ...records.map(({ jobId, job, state, submitted, user, priority, output }) => [
      jobId,
      job,
      state,
      localTime(submitted),
      user,
      String(priority),
      output,
    ]),
  ])
  return EXIT.done
}

async function show(fleet: Fleet, record: JobRecord, json: boolean): Promise<number> {
  const { jobId, state, why } = record
  const workers = await fleet.workers()
  const running = workers.flatMap(({ workerId, running: attempts, refused }) => [
    ...attempts
      .filter((each) => each.jobId === jobId)
      .map(({ attempt, seconds }) => `attempt ${attempt} on ${workerId} for ${duration(seconds)}`),
    ...(refused[jobId] === undefined ? [] : [`${workerId} can't work for it: ${refused[jobId]}`]),
  ])
  if (why !== undefined) running.push(why)
  if ((await readHistoryText(placeOf(record).folder, jobId)) === '') return showUnbegun(record, running, json)
  return showJob(placeOf(record), json, { state, running })
}

/** A job that no driver has begun: it waits for one, or was ended before. */
async function showUnbegun(record: JobRecord, running: readonly string[], json: boolean): Promise<number> {
  const { jobId, job, state, submitted, user, output, history } = record
  if (json) {
    await writeLine(JSON.stringify({ ...record, running }))
    return EXIT.done
  }
  for (const line of [
    `${jobId}  ${job}  ${state}`,
    `  submitted  ${localTime(submitted)} by ${user}`,
    `  output     ${output}`,
    `  history    none yet in ${history}`,
    ...running.map((each) => `  why        ${each}`),
  ]) {
    await writeLine(line)
  }
  return EXIT.done
}

/** Ctrl-C ends the following and not the job. */
async function follow(
  address: FleetAddress,
  record: JobRecord,
  { json, progress, signal }: FleetJobsCall,
): Promise<number> {
  const handle = watch(await Fleet.connect(address), record)
  const left = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  return Promise.race([followJob(handle, { progress, json }), left])
}

async function kill(fleet: Fleet, record: JobRecord, json: boolean): Promise<number> {
  const { jobId, state } = record
  await fleet.kill(record, 'it was killed by "pixelreduce jobs kill"')
  await writeLine(
    json ? JSON.stringify({ jobId, state, killed: true }) : `${jobId}: all nodes were asked to end it`,
  )
  return EXIT.done
}

function placeOf({ history, jobId }: JobRecord): HistoryPlace {
  return { folder: resolveUri(history), jobId }
}
