import { joinPath } from '../../fs/path.js'
import type { Location } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import { PartWriter } from '../output/part-writer.js'
import type { SuccessFile, SuccessPart } from '../output/success-file.js'
import {
  ATTEMPT_PART,
  ATTEMPT_QUARANTINE,
  committedFolder,
  joinTaskId,
  outputFolder,
  partName,
  QUARANTINE_FOLDER,
  SUCCESS_FILE,
} from '../task/layout.js'
import {
  type JobSpec,
  type JoinTaskSpec,
  type KeyJson,
  keyFromJson,
  type PartReport,
  type TaskReport,
  type TaskSpec,
} from '../task/task.js'

/** Neighbouring tasks whose parts make one part of the output. */
interface Group {
  reports: TaskReport[]
  bytes: number
}

export interface JoinedParts {
  parts: SuccessPart[]
  quarantine: SuccessPart[]
  duplicateKeys: number
  firstDuplicate?: KeyJson
  partitioning: SuccessFile['partitioning']
  /** The committed task that holds each part, in the order of the parts. */
  partTasks: string[]
  quarantineTasks: string[]
}

/**
 * Joins neighbouring small parts up to `partBytes`, by tasks of their own where there is something to
 * join; a part that stands alone is taken as it is.
 */
export async function joinParts(
  reports: readonly TaskReport[],
  job: JobSpec,
  partBytes: number,
  runTasks: (tasks: readonly TaskSpec[]) => Promise<TaskReport[]>,
): Promise<JoinedParts> {
  const groups = {
    part: neighbours(reports, 'part', partBytes),
    quarantine: neighbours(reports, 'quarantine', partBytes),
  }
  const tasks: JoinTaskSpec[] = []
  for (const what of ['part', 'quarantine'] as const) {
    for (const group of groups[what]) {
      if (group.reports.length === 1) continue
      const sources = group.reports.map((report) => report.taskId)
      tasks.push({ kind: 'join', job, taskId: joinTaskId(tasks.length), attempt: 0, sources, what })
    }
  }
  const joined = await runTasks(tasks)
  let used = 0
  const resultOf = (group: Group): TaskReport =>
    group.reports.length === 1 ? group.reports[0]! : joined[used++]!
  const partReports = groups.part.map(resultOf)
  const quarantineReports = groups.quarantine.map(resultOf)
  const parts = partReports.map((report) => report.part!)
  return {
    parts: parts.map(successPart),
    quarantine: quarantineReports.map((report, index) => successPart(report.quarantine!, index)),
    ...duplicates(parts),
    partitioning: areRanges(parts) ? 'ranges' : 'overlapping',
    partTasks: partReports.map((report) => report.taskId),
    quarantineTasks: quarantineReports.map((report) => report.taskId),
  }
}

/** Puts the output together in the job's folder, by renames; the parts are already written. */
export async function assembleOutput(
  jobFolder: Location,
  joined: JoinedParts,
  job: JobSpec,
  success: SuccessFile,
): Promise<void> {
  const { fs, path } = jobFolder
  const output = outputFolder(path)
  await fs.mkdir(output)
  for (const [index, taskId] of joined.partTasks.entries()) {
    await fs.rename(joinPath(committedFolder(path, taskId), ATTEMPT_PART), joinPath(output, partName(index)))
  }
  if (joined.quarantineTasks.length > 0) await fs.mkdir(joinPath(output, QUARANTINE_FOLDER))
  for (const [index, taskId] of joined.quarantineTasks.entries()) {
    await fs.rename(
      joinPath(committedFolder(path, taskId), ATTEMPT_QUARANTINE),
      joinPath(output, QUARANTINE_FOLDER, partName(index)),
    )
  }
  // A job that wrote nothing still leaves a MapFile, so that whatever reads it finds no record, not no file.
  if (joined.partTasks.length === 0) {
    await using part = new PartWriter(fs, joinPath(output, partName(0)), job.output)
    await part.closeEvenEmpty()
  }
  await writeText(fs, joinPath(output, SUCCESS_FILE), `${JSON.stringify(success, null, 2)}\n`, {
    durable: true,
  })
}

function neighbours(reports: readonly TaskReport[], what: 'part' | 'quarantine', partBytes: number): Group[] {
  const groups: Group[] = []
  for (const report of reports) {
    const part = report[what]
    if (!part) continue
    const last = groups.at(-1)
    if (last && last.bytes + part.bytes <= partBytes) {
      last.reports.push(report)
      last.bytes += part.bytes
    } else groups.push({ reports: [report], bytes: part.bytes })
  }
  return groups
}

/** Whether each part's keys lie after those of the part before, so that a key can be in one part only. */
function areRanges(parts: readonly PartReport[]): boolean {
  return parts.every((part, index) => index === 0 || compareBorder(parts[index - 1]!, part) < 0)
}

/** Within the parts, and where the last key of one is the first of the next. */
function duplicates(parts: readonly PartReport[]): { duplicateKeys: number; firstDuplicate?: KeyJson } {
  const atBorders = parts.filter((part, index) => index > 0 && compareBorder(parts[index - 1]!, part) === 0)
  const firstDuplicate =
    parts.find((part) => part.firstDuplicate !== undefined)?.firstDuplicate ?? atBorders[0]?.firstKey
  return {
    duplicateKeys: parts.reduce((sum, part) => sum + part.duplicateKeys, 0) + atBorders.length,
    ...(firstDuplicate === undefined ? {} : { firstDuplicate }),
  }
}

function compareBorder(before: PartReport, after: PartReport): number {
  return Buffer.compare(keyFromJson(before.lastKey), keyFromJson(after.firstKey))
}

function successPart(
  { duplicateKeys: _, firstDuplicate: __, ...part }: PartReport,
  index: number,
): SuccessPart {
  return { name: partName(index), ...part }
}
