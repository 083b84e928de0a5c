import { PixelreduceError } from '../../errors.js'
import { ensureFolder } from '../../fs/ensure-folder.js'
import { joinPath, parentOf } from '../../fs/path.js'
import { type Location, uriOf } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import type { JobEvent } from '../driver/events.js'
import { HISTORY_SUFFIX, historyLine } from './history-event.js'
import { BatchedHistoryLog, type HistoryLog, LocalHistoryLog } from './history-log.js'
import { listJobIds, readHistoryText } from './history-reader.js'

/** Jobs whose histories are kept. */
const KEPT_JOBS = 1000

type Recorded = Exclude<JobEvent, { type: 'progress' }>

/**
 * Writes a job's history as it happens, from its event `submitted` on. Where that fails the job goes on
 * without, and it is told once.
 */
export class HistoryWriter {
  private jobId: string | undefined
  private log: HistoryLog | undefined
  /** For the copy in the output, which there is even where the history itself can't be written. */
  private readonly lines: string[] = []
  private hasFailed = false

  /** @param onFailure called once at the most */
  constructor(
    private readonly folder: Location,
    private readonly onFailure: (uri: string, error: PixelreduceError) => void,
  ) {}

  record(event: JobEvent): void {
    if (event.type === 'progress') return
    const line = historyLine(event, new Date())
    this.lines.push(line)
    try {
      if (event.type === 'submitted') this.open(event.jobId)
      this.log?.append(line)
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * Copies the history to `<folder>/<job id>.jsonl`, with the event that ends it: who reads the copy reads
   * it in an output that is there, and then the job has succeeded.
   */
  async copyTo(folder: Location, end: Recorded): Promise<void> {
    const { fs } = folder
    try {
      await ensureFolder({ fs, path: parentOf(folder.path) })
      await ensureFolder(folder)
      const path = joinPath(folder.path, this.jobId! + HISTORY_SUFFIX)
      // A driver of this job that was killed may have left one.
      await fs.delete(path)
      const text = (await this.earlierLines()) + this.lines.join('') + historyLine(end, new Date())
      await writeText(fs, path, text)
    } catch (error) {
      this.tell(folder, error)
    }
  }

  /** Waits until all of it is written, and removes the oldest histories beyond those that are kept. */
  async close(): Promise<void> {
    const { log } = this
    if (!log) return
    try {
      await log.close()
      const { fs, path } = this.folder
      const ids = await listJobIds(this.folder)
      for (const id of ids.slice(0, Math.max(0, ids.length - KEPT_JOBS))) {
        await fs.delete(joinPath(path, id + HISTORY_SUFFIX))
        await fs.delete(joinPath(path, id), { recursive: true })
      }
    } catch (error) {
      this.fail(error)
    }
  }

  private open(jobId: string): void {
    this.jobId = jobId
    this.log =
      this.folder.fs.root === 'file://'
        ? new LocalHistoryLog(this.folder.path, jobId)
        : new BatchedHistoryLog(this.folder, jobId, (error) => this.fail(error))
  }

  /** Of a job that was resumed: what its earlier drivers wrote. */
  private async earlierLines(): Promise<string> {
    if (this.hasFailed) return ''
    const text = await readHistoryText(this.folder, this.jobId!)
    const ownStart = text.indexOf(this.lines[0]!)
    return ownStart < 0 ? text : text.slice(0, ownStart)
  }

  private fail(error: unknown): void {
    this.log = undefined
    this.tell(this.folder, error)
  }

  private tell(where: Location, error: unknown): void {
    if (this.hasFailed) return
    this.hasFailed = true
    const known =
      error instanceof PixelreduceError ? error : new PixelreduceError(String(error), { cause: error })
    this.onFailure(uriOf(where), known)
  }
}
