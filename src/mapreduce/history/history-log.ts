import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { AlreadyExistsError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import { localError } from '../../fs/local/local-error.js'
import { joinPath } from '../../fs/path.js'
import { renameSurely } from '../../fs/rename-surely.js'
import type { Location } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import { HISTORY_SUFFIX } from './history-event.js'
import { readHistoryText } from './history-reader.js'

/** Where the lines of one job's history go. */
export interface HistoryLog {
  /** @throws where the line can't be written at once */
  append(line: string): void
  /** Resolves when every line is where readers find it. */
  close(): Promise<void>
}

/**
 * Appends to `<folder>/<job id>.jsonl` on a local disk. Each line is with the system when `append` returns,
 * so that a kill -9 of this process loses none.
 */
export class LocalHistoryLog implements HistoryLog {
  private readonly file: number

  constructor(
    folder: string,
    jobId: string,
    private readonly path = joinPath(folder, jobId + HISTORY_SUFFIX),
  ) {
    try {
      mkdirSync(folder, { recursive: true })
      this.file = openSync(this.path, 'a+')
    } catch (error) {
      throw localError('write', this.path)(error as NodeJS.ErrnoException)
    }
    // An earlier driver of this job may have been killed in the middle of a line.
    if (!this.endsWithNewline()) this.append('\n')
  }

  append(line: string): void {
    const bytes = Buffer.from(line)
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.file, bytes, done)
    } catch (error) {
      closeSync(this.file)
      localError('write', this.path)(error as NodeJS.ErrnoException)
    }
  }

  async close(): Promise<void> {
    closeSync(this.file)
  }

  private endsWithNewline(): boolean {
    const { size } = fstatSync(this.file)
    if (size === 0) return true
    const last = Buffer.alloc(1)
    readSync(this.file, last, 0, 1, size - 1)
    return last.toString() === '\n'
  }
}

/** Least and most time from one batch to the next. */
const LEAST_WAIT_MS = 1000
const MOST_WAIT_MS = 10_000

/**
 * Writes to a file system that can't append: what came together goes into a file of its own,
 * `<folder>/<job id>/<n>.jsonl`, which readers see whole once it is closed. At the end all of them become
 * one, `<folder>/<job id>.jsonl`. A kill -9 loses what came in the last seconds.
 */
export class BatchedHistoryLog implements HistoryLog {
  private waiting: string[] = []
  private batches = 0
  private writing: Promise<void> | undefined
  private readonly closing = new AbortController()
  private readonly batchFolder: string

  constructor(
    private readonly folder: Location,
    private readonly jobId: string,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.batchFolder = joinPath(folder.path, jobId)
  }

  append(line: string): void {
    this.waiting.push(line)
    if (this.writing) return
    this.writing = this.write()
    this.writing.catch(this.onFailure)
  }

  async close(): Promise<void> {
    this.closing.abort()
    await this.writing
    if (this.batches > 0) await this.joinBatches()
  }

  /** Writes batches until nothing waits; the longer the job runs, the more time each gathers. */
  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const lines = this.waiting
      this.waiting = []
      await this.writeBatch(lines.join(''))
      const waitMs = Math.min(MOST_WAIT_MS, LEAST_WAIT_MS * this.batches)
      await setTimeout(waitMs, undefined, { signal: this.closing.signal, ref: false }).catch(() => {})
    }
    this.writing = undefined
  }

  private async writeBatch(text: string): Promise<void> {
    const { fs } = this.folder
    // Each time, because another driver of this job may have ended and joined its batches.
    await fs.mkdirs(this.batchFolder)
    for (;;) {
      const name = `${String(this.batches++).padStart(6, '0')}${HISTORY_SUFFIX}`
      try {
        return await writeText(fs, joinPath(this.batchFolder, name), text)
      } catch (error) {
        // An earlier driver of this job has left its own.
        if (!(error instanceof AlreadyExistsError)) throw error
      }
    }
  }

  private async joinBatches(): Promise<void> {
    const { fs, path } = this.folder
    const whole = joinPath(path, this.jobId + HISTORY_SUFFIX)
    const aside = joinPath(this.batchFolder, 'whole')
    const text = await readHistoryText(this.folder, this.jobId)
    await fs.delete(aside)
    await writeText(fs, aside, text)
    await fs.delete(whole)
    await renameSurely(fs, aside, whole, () => exists({ fs, path: whole }))
    await fs.delete(this.batchFolder, { recursive: true })
  }
}
