import { AlreadyExistsError, FencedError, NotFoundError } from '../../errors.js'
import type { FileSystem } from '../../fs/file-system.js'
import { baseName, joinPath } from '../../fs/path.js'
import { renameSurely } from '../../fs/rename-surely.js'
import { resolveUri } from '../../fs/resolve.js'
import { readJson, writeText } from '../../fs/text.js'
import { attemptFolder, committedFolder, REPORT_FILE } from './layout.js'
import type { TaskReport, TaskSpec } from './task.js'

/** An attempt at a task and where it writes. */
export interface Attempt {
  fs: FileSystem
  folder: string
  jobFolder: string
  taskId: string
  epoch: number
  number: number
}

/** Where the attempt of a spec writes. */
export function attemptOf({ job, taskId, attempt }: TaskSpec): Attempt {
  const { fs, path: jobFolder } = resolveUri(job.jobFolder)
  const folder = attemptFolder(jobFolder, taskId, job.epoch, attempt)
  return { fs, folder, jobFolder, taskId, epoch: job.epoch, number: attempt }
}

/**
 * Makes an attempt's output the task's, by one rename; called once, by the attempt itself, when all it
 * wrote is closed. The first rename of a task wins. One that finds the task committed asks whose it is: a
 * rename that got no answer may have been carried out, and then this attempt has won.
 * @throws FencedError when another attempt has committed the task.
 */
export async function commitAttempt(attempt: Attempt, report: TaskReport): Promise<void> {
  const { fs, folder, jobFolder, taskId } = attempt
  await writeText(fs, joinPath(folder, REPORT_FILE), `${JSON.stringify(report)}\n`, { unshared: true })
  const target = committedFolder(jobFolder, taskId)
  try {
    await renameSurely(fs, folder, target, async () => {
      const winner = await committedReport(fs, jobFolder, taskId)
      return winner?.attempt === attempt.number && winner.epoch === attempt.epoch
    })
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error
    const winner = await committedReport(fs, jobFolder, taskId)
    if (!winner) throw error
    throw new FencedError(
      `Cannot commit attempt ${attempt.number} of task ${taskId}: attempt ${winner.attempt} was first`,
      { cause: error },
    )
  }
}

/**
 * Removes what an attempt has written; it may still be at work. Where a file system removes a folder file by
 * file, half of it could be committed meanwhile: so it is put aside first, by one rename, which either the
 * attempt's own rename or this one wins.
 */
export async function removeAttempt({ fs, folder }: Pick<Attempt, 'fs' | 'folder'>): Promise<void> {
  if (fs.isRemote) {
    await fs.delete(folder, { recursive: true })
    return
  }
  const aside = `${folder}.gone`
  try {
    await fs.rename(folder, aside)
  } catch (error) {
    if (error instanceof NotFoundError) return
    throw error
  }
  await fs.delete(aside, { recursive: true })
}

/** The reports of all tasks that are committed. */
export async function committedReports(fs: FileSystem, jobFolder: string): Promise<Map<string, TaskReport>> {
  const reports = new Map<string, TaskReport>()
  const taskIds: string[] = []
  for await (const entry of fs.list(committedFolder(jobFolder, ''))) taskIds.push(baseName(entry.path))
  for (const taskId of taskIds) {
    const report = await committedReport(fs, jobFolder, taskId)
    if (report) reports.set(taskId, report)
  }
  return reports
}

/** The report of the attempt that committed a task; undefined while none has. */
export async function committedReport(
  fs: FileSystem,
  jobFolder: string,
  taskId: string,
): Promise<TaskReport | undefined> {
  return readJson<TaskReport>(fs, joinPath(committedFolder(jobFolder, taskId), REPORT_FILE))
}
