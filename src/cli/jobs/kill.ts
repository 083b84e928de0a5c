import { describeError, UsageError } from '../../errors.js'
import { isOwnProgram, isRunning } from '../../mapreduce/history/driver-process.js'
import { type HistoryPlace, readHistory } from '../../mapreduce/history/history-reader.js'
import { endOf } from '../../mapreduce/history/job-summary.js'
import { EXIT } from '../exit.js'
import { writeLine } from '../output.js'
import { requireSubmitted } from './find-job.js'

/**
 * Asks the process of a job on this machine to end; it cleans up as on Ctrl-C. @returns the exit code
 * @throws UsageError when there is no such process, or it is not that job's alone.
 */
export async function killJob(place: HistoryPlace, json: boolean): Promise<number> {
  const events = await readHistory(place)
  const { summary, submitted } = requireSubmitted(place, events)
  const { driver } = submitted
  const refuse = (why: string) => new UsageError(`Cannot kill ${place.jobId}: ${why}`)
  const end = endOf(events)
  if (end) throw refuse(`it has ended already, it is ${end.type}`)
  const running = isRunning(driver)
  if (running === undefined) {
    throw refuse(`it runs on ${driver.host}, process ${driver.pid}; run this command there`)
  }
  if (!running)
    throw refuse(`its process ${driver.pid} is gone; the job is lost, run-job --resume goes on with it`)
  if (!isOwnProgram(driver)) {
    throw refuse(
      `it runs inside of ${driver.program}, process ${driver.pid}, which would end with it; end that one yourself`,
    )
  }
  try {
    process.kill(driver.pid, 'SIGTERM')
  } catch (error) {
    throw refuse(`process ${driver.pid} belongs to ${driver.user} (${describeError(error)})`)
  }
  await writeLine(
    json
      ? JSON.stringify({ jobId: place.jobId, state: summary.state, pid: driver.pid, signal: 'SIGTERM' })
      : `${place.jobId}: process ${driver.pid} was asked to end; it cleans up first`,
  )
  return EXIT.done
}
