import { errorToJson, type PixelreduceError, TaskFailedError } from '../../errors.js'

/** Errors that the same attempt would meet again. */
const FINAL_CODES = new Set([
  'USAGE',
  'JOB_DEFINITION',
  'FORMAT',
  'TRUNCATED',
  'CHECKSUM',
  'KEY',
  'UNSUPPORTED',
  'MISSING_PACKAGE',
  'BAD_RECORDS',
  'USER_CODE',
  'PERMISSION',
  'STORAGE_FULL',
  'KILLED',
])

/** Whether another attempt would fail as well. */
export function isFinal(error: PixelreduceError): boolean {
  return FINAL_CODES.has(error.code)
}

/** Why a task has failed. An error that says itself what is wrong with the job or its records needs no task around it. */
export function taskFailure(
  error: PixelreduceError,
  { taskId, attempt, failures }: { taskId: string; attempt: number; failures: number },
): PixelreduceError {
  if (error.code === 'BAD_RECORDS' || error.code === 'STORAGE_FULL') return error
  const tries = failures > 1 ? ` in each of ${failures} attempts` : ''
  return new TaskFailedError(`Cannot finish task ${taskId}: it failed${tries}`, {
    cause: error,
    details: { taskId, attempt, code: errorToJson(error).code },
  })
}
