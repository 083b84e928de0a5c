import { type HistoryPlace, readHistory, readHistoryText } from '../../mapreduce/history/history-reader.js'
import { EXIT } from '../exit.js'
import { eventInWords } from '../history-words.js'
import { writeLine } from '../output.js'
import { localTime } from './local-time.js'

/** Prints all that happened to a job. @returns the exit code */
export async function showLogs(place: HistoryPlace, json: boolean): Promise<number> {
  if (json) {
    const text = await readHistoryText(place.folder, place.jobId)
    for (const line of text.split('\n')) if (line !== '') await writeLine(line)
    return EXIT.done
  }
  for (const event of await readHistory(place)) {
    await writeLine(`${localTime(event.time)}  ${eventInWords(event)}`)
  }
  return EXIT.done
}
