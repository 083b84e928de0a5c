import { FormatError } from '../../errors.js'

/** The error for a file that is not the one any more of which the plan was made. */
export function changedSincePlanned(path: string, planned: number, now: number): FormatError {
  return new FormatError(
    `Cannot read ${path}: it had ${planned} bytes when the job was planned and has ${now} now`,
    { details: { file: path } },
  )
}
