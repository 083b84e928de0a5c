import { fileURLToPath } from 'node:url'
import { PixelreduceError } from '../../errors.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { thisProcess } from '../history/driver-process.js'
import type { SuccessFile } from '../output/success-file.js'
import type { BadRecord } from '../task/task.js'
import type { JobEvent } from './events.js'
import type { JobRunSpec } from './job-spec.js'

type JobEventOf<Type extends JobEvent['type']> = Extract<JobEvent, { type: Type }>

export function submittedEvent(spec: JobRunSpec): JobEventOf<'submitted'> {
  const { jobId, opened, params, inputs, output, version, options, client } = spec
  return {
    type: 'submitted',
    jobId,
    job: opened.job.name,
    source: opened.bundle === undefined ? opened.job.name : fileURLToPath(opened.module),
    params,
    // Whoever reads it is in another folder.
    inputs: inputs.map((uri) => uriOf(resolveUri(uri))),
    output: uriOf(output),
    version,
    options,
    driver: thisProcess(),
    ...(client ? { client } : {}),
  }
}

export function succeededEvent(
  output: Location,
  success: SuccessFile,
  startMs: number,
  badRecords: BadRecord[] = [],
): JobEventOf<'succeeded'> {
  const { ledger, counters, counterGroups = {}, parts } = success
  return {
    type: 'succeeded',
    output: uriOf(output),
    ledger,
    counters,
    counterGroups,
    parts: parts.length,
    ...(badRecords.length > 0 ? { badRecords } : {}),
    elapsedMs: Date.now() - startMs,
  }
}

export function endedEvent(type: 'failed' | 'killed', thrown: unknown): JobEvent {
  const error =
    thrown instanceof PixelreduceError ? thrown : new PixelreduceError(String(thrown), { cause: thrown })
  return { type, error }
}
