import { joinPath } from '../../fs/path.js'
import { resolveUri } from '../../fs/resolve.js'
import { emptyLedger } from '../ledger.js'
import { openMapFile } from '../map-file-folder.js'
import { PartFile, storedAs } from '../output/part-file.js'
import { mergeParts } from '../output/part-writer.js'
import { type Attempt, commitAttempt } from './attempt.js'
import { ATTEMPT_PART, ATTEMPT_QUARANTINE, attemptFolder, committedFolder, REASONS_FILE } from './layout.js'
import type { JoinTaskSpec, PartReport, TaskReport } from './task.js'

/**
 * Joins the parts of neighbouring tasks: their bytes are copied raw where each part's keys are above those
 * of the part before, and merged by key where not.
 */
export async function runJoinTask(spec: JoinTaskSpec): Promise<TaskReport> {
  const { fs, path: jobFolder } = resolveUri(spec.job.jobFolder)
  const folder = attemptFolder(jobFolder, spec.taskId, spec.attempt)
  const attempt: Attempt = { fs, folder, jobFolder, taskId: spec.taskId, number: spec.attempt }
  const name = spec.what === 'part' ? ATTEMPT_PART : ATTEMPT_QUARANTINE
  const target = joinPath(folder, name)
  await fs.mkdir(folder)

  const folders = spec.sources.map((taskId) => joinPath(committedFolder(jobFolder, taskId), name))
  const joined = spec.areAscending
    ? await concatenate(folders)
    : await mergeParts(fs, folders, target, spec.job.output)
  if (spec.what === 'quarantine') await joinReasons()

  const report: TaskReport = {
    taskId: spec.taskId,
    attempt: spec.attempt,
    ledger: { ...emptyLedger(), written: joined.records },
    bytesIn: joined.bytes,
    [spec.what]: joined,
    counters: {},
    badRecords: [],
  }
  await commitAttempt(attempt, report)
  return report

  async function concatenate(parts: readonly string[]): Promise<PartReport> {
    await using file = await PartFile.create(fs, target, spec.job.output)
    for (const part of parts) {
      await using source = await openMapFile(fs, part)
      await file.writer.appendFrom(source.sources)
    }
    return await file.close()
  }

  async function joinReasons(): Promise<void> {
    await using sink = await fs.create(joinPath(target, REASONS_FILE), storedAs(spec.job.output))
    for (const part of folders) {
      await using source = await fs.open(joinPath(part, REASONS_FILE))
      for await (const chunk of source.stream(0)) await sink.write(chunk)
    }
    await sink.close()
  }
}
