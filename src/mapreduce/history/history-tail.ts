import { listIfThere, openIfThere } from '../../fs/exists.js'
import { baseName, joinPath } from '../../fs/path.js'
import { readText } from '../../fs/text.js'
import { HISTORY_SUFFIX, type HistoryEvent, parseHistoryLine } from './history-event.js'
import { type HistoryPlace, readHistory } from './history-reader.js'

/** Reads a history as it grows: each event once, in order. */
export class HistoryTail {
  /** Bytes of the file that were read, up to the end of a line. */
  private position = 0
  private events = 0
  private lastBatch = ''

  constructor(private readonly place: HistoryPlace) {}

  /** The events that were written since the last call; none while there is no history. */
  async next(): Promise<HistoryEvent[]> {
    const { folder, jobId } = this.place
    const { fs, path } = folder
    const source = await openIfThere({ fs, path: joinPath(path, jobId + HISTORY_SUFFIX) })
    if (!source) return this.nextBatches()
    await using file = source
    if (this.lastBatch !== '') {
      // The batches became one file meanwhile; of its events those come next that no batch had.
      const all = await readHistory(this.place)
      this.lastBatch = ''
      this.position = file.length
      return this.count(all.slice(this.events))
    }
    if (file.length <= this.position) return []
    const text = Buffer.from(await file.read(this.position, file.length)).toString('utf8')
    const end = text.lastIndexOf('\n') + 1
    this.position += Buffer.byteLength(text.slice(0, end))
    return this.count(eventsOf(text.slice(0, end)))
  }

  private async nextBatches(): Promise<HistoryEvent[]> {
    const { folder, jobId } = this.place
    const batchFolder = joinPath(folder.path, jobId)
    const names: string[] = []
    for await (const entry of listIfThere({ fs: folder.fs, path: batchFolder })) {
      const name = baseName(entry.path)
      if (name.endsWith(HISTORY_SUFFIX) && name > this.lastBatch) names.push(name)
    }
    const events: HistoryEvent[] = []
    for (const name of names.sort()) {
      const text = await readText(folder.fs, joinPath(batchFolder, name))
      // They are being joined: the next call finds the whole.
      if (text === undefined) break
      events.push(...eventsOf(text))
      this.lastBatch = name
    }
    return this.count(events)
  }

  private count(events: HistoryEvent[]): HistoryEvent[] {
    this.events += events.length
    return events
  }
}

function eventsOf(text: string): HistoryEvent[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : (parseHistoryLine(line) ?? [])))
}
