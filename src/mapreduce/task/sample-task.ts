import { Counters } from '../counters.js'
import { openRecordReader } from '../input/record-reader.js'
import { emittedClasses, type Job, parseParams } from '../job.js'
import { emptyLedger } from '../ledger.js'
import { RecordEncoder } from '../record-classes.js'
import type { TaskContext } from './context.js'
import { RecordMapper } from './record-mapper.js'
import { RunningRecords } from './running-records.js'
import type { SampleTaskSpec, TaskReport } from './task.js'

const READ_AHEAD_BYTES = 1024 * 1024

/** Maps the first records of a split and reports the keys; what can't be mapped is the map task's to tell. */
export async function runSampleTask(
  spec: SampleTaskSpec,
  job: Job,
  context: TaskContext,
): Promise<TaskReport> {
  const params = parseParams(job, spec.job.params)
  const encoder = new RecordEncoder(emittedClasses(job))
  const running = new RunningRecords(spec, context)
  const { limits } = spec.job
  const { taskId, attempt } = spec
  const tell = () =>
    context.onProgress({ taskId, attempt, read: 0, bytesIn: 0, bad: 0, running: running.list() })
  const counters = new Counters()
  const mapper = new RecordMapper(
    { job, params, encoder, counters, limits, context, running, progress: tell },
    spec,
  )
  const sample: string[] = []
  let left = spec.records
  await using reader = await openRecordReader(spec.split, {
    jobId: spec.job.jobId,
    input: job.input,
    signal: context.signal,
    readAheadBytes: READ_AHEAD_BYTES,
  })
  while (left > 0 && (await reader.fill())) {
    for (let record = reader.next(); record && left > 0; record = reader.next(), left--) {
      context.signal.throwIfAborted()
      const mapping = mapper.map(record)
      tell()
      const mapped = await mapping
      if ('error' in mapped) continue
      for (const { record: emitted } of mapped.emits) sample.push(Buffer.from(emitted.key).toString('base64'))
    }
  }
  return {
    taskId,
    epoch: spec.job.epoch,
    attempt,
    ledger: emptyLedger(),
    bytesIn: 0,
    counters: {},
    badRecords: [],
    sample,
  }
}
