import prettyBytes from 'pretty-bytes'
import { counted } from '../mapreduce/counted.js'
import type { HistoryEvent } from '../mapreduce/history/history-event.js'
import { duration } from './progress.js'

/** An event of a job's history in one line. */
export function eventInWords(event: HistoryEvent): string {
  switch (event.type) {
    case 'submitted': {
      const { job, inputs, output, driver, params } = event
      return `submitted ${job} ${JSON.stringify(params.complete)} from ${inputs.join(', ')} to ${output} by ${driver.user} on ${driver.host}, process ${driver.pid}`
    }
    case 'state':
      return event.state
    case 'planned': {
      const { splits, reducers, records, bytes, committed } = event
      const count = records === undefined ? '' : `${counted(records, 'record')}, `
      const reduces = reducers > 0 ? `, ${counted(reducers, 'reduce task')}` : ''
      const resumed =
        committed === undefined ? '' : `; ${counted(committed, 'task is', 'tasks are')} committed already`
      return `planned ${count}${prettyBytes(bytes)}, ${counted(splits, 'map task')}${reduces}${resumed}`
    }
    case 'task-started':
      return `task ${event.taskId} started: attempt ${event.attempt} on ${event.host}`
    case 'task-finished': {
      const { taskId, attempt, ms, read, written, bytesIn, bad } = event
      const some = bad > 0 ? `, ${bad} bad` : ''
      return `task ${taskId} finished: attempt ${attempt} in ${duration(ms / 1000)}, ${counted(read, 'record')} in, ${written} out, ${prettyBytes(bytesIn)}${some}`
    }
    case 'task-failed': {
      const { taskId, attempt, again, error } = event
      return `task ${taskId} failed: attempt ${attempt}, ${again ? 'to be tried again' : 'for good'}: ${error.message}`
    }
    case 'task-speculated':
      return `task ${event.taskId} is slow: attempt ${event.attempt} was started beside it`
    case 'task-lost':
      return `task ${event.taskId}: attempt ${event.attempt} was lost: ${event.error.message}`
    case 'task-killed':
      return `task ${event.taskId}: attempt ${event.attempt} was given up`
    case 'no-progress':
      return `no progress for ${duration(event.quietMs / 1000)}, ${counted(event.running.length, 'attempt is', 'attempts are')} under way`
    case 'waiting':
      return `waiting: ${event.why}`
    case 'handed-over':
      return `handed over: ${event.error.message}`
    case 'left-behind':
      return `could not clean up ${event.uri}: ${event.error.message}`
    case 'history-failed':
      return `could not write the history to ${event.uri}: ${event.error.message}`
    case 'succeeded': {
      const { read, written, quarantined } = event.ledger
      return `succeeded in ${duration(event.elapsedMs / 1000)}: ${counted(read, 'record')} in, ${written} out, ${quarantined} quarantined; the ledger balances`
    }
    case 'failed':
      return `failed: ${event.error.message}`
    case 'killed':
      return `killed: ${event.error.message}`
  }
}
