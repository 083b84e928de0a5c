import { joinPath, parentOf } from '../../fs/path.js'
import { readJson } from '../../fs/text.js'
import { emptyLedger } from '../ledger.js'
import { openMapFile } from '../map-file-folder.js'
import { PartFile, storedAs } from '../output/part-file.js'
import { mergeParts } from '../output/part-writer.js'
import { quarantineOutput } from '../output/quarantine-writer.js'
import { SequenceFilePart } from '../output/sequence-file-part.js'
import { TextPart } from '../output/text-part.js'
import { attemptOf, commitAttempt } from './attempt.js'
import type { TaskContext } from './context.js'
import { ATTEMPT_PART, ATTEMPT_QUARANTINE, committedFolder, REASONS_FILE, REPORT_FILE } from './layout.js'
import type { JoinTaskSpec, PartReport, TaskReport } from './task.js'

/**
 * Joins the parts of neighbouring tasks, record by record in their order; MapFiles are merged by key where
 * a part's keys are not above those of the part before.
 */
export async function runJoinTask(spec: JoinTaskSpec, context: TaskContext): Promise<TaskReport> {
  const attempt = attemptOf(spec)
  const { fs, folder, jobFolder } = attempt
  const name = spec.what === 'part' ? ATTEMPT_PART : ATTEMPT_QUARANTINE
  const target = joinPath(folder, name)
  await fs.mkdir(folder)

  const output = spec.what === 'part' ? spec.job.output : quarantineOutput(spec.job.output)
  const sources = spec.sources.map((taskId) => joinPath(committedFolder(jobFolder, taskId), name))
  const joined = spec.areAscending ? await concatenate() : await mergeParts(fs, sources, target, output)
  if (spec.what === 'quarantine') await joinReasons()

  const report: TaskReport = {
    taskId: spec.taskId,
    epoch: spec.job.epoch,
    attempt: spec.attempt,
    ledger: { ...emptyLedger(), written: joined.records },
    bytesIn: joined.bytes,
    [spec.what]: joined,
    counters: {},
    badRecords: [],
  }
  await commitAttempt(attempt, report)
  return report

  async function concatenate(): Promise<PartReport> {
    switch (output.format) {
      case 'mapfile': {
        await using part = await PartFile.create(fs, target, output)
        for await (const source of sourcesInTurn()) {
          await using file = await openMapFile(fs, source)
          await part.writer.appendFrom(file.sources)
        }
        return await part.close()
      }
      case 'sequencefile': {
        await using part = await SequenceFilePart.create(fs, target, output)
        for await (const source of sourcesInTurn()) await part.appendPart(source)
        return await part.close()
      }
      case 'text':
      case 'jsonl': {
        await using part = await TextPart.create(fs, target, output)
        for await (const source of sourcesInTurn()) {
          const report = await readJson<TaskReport>(fs, joinPath(parentOf(source), REPORT_FILE))
          await part.appendPart(source, report!.part!)
        }
        return await part.close()
      }
    }
  }

  async function* sourcesInTurn(): AsyncGenerator<string> {
    const { taskId, attempt: number } = spec
    for (const [index, source] of sources.entries()) {
      const share = index / sources.length
      context.onProgress({ taskId, attempt: number, read: 0, bytesIn: 0, bad: 0, share })
      yield source
    }
  }

  async function joinReasons(): Promise<void> {
    await using sink = await fs.create(joinPath(target, REASONS_FILE), storedAs(spec.job.output))
    for (const part of sources) {
      await using source = await fs.open(joinPath(part, REASONS_FILE))
      for await (const chunk of source.stream(0)) await sink.write(chunk)
    }
    await sink.close()
  }
}
