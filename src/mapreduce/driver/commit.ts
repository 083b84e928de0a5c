import { ensureFolder } from '../../fs/ensure-folder.js'
import { exists } from '../../fs/exists.js'
import { joinPath } from '../../fs/path.js'
import { renameSurely } from '../../fs/rename-surely.js'
import type { Location } from '../../fs/resolve.js'
import { writeText } from '../../fs/text.js'
import { PartWriter } from '../output/part-writer.js'
import { quarantineOutput } from '../output/quarantine-writer.js'
import type { SuccessFile, SuccessPart } from '../output/success-file.js'
import { keyOrder } from '../shuffle/key-order.js'
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

/** A folder or file that a committed task holds, and what it becomes in the output. */
interface Placed {
  taskId: string
  /** Its name in the task's folder. */
  from: string
  part: SuccessPart
}

export interface OutputParts {
  parts: Placed[]
  quarantine: Placed[]
  /** Parts of the job's further outputs, by their names. */
  outputs: Record<string, Placed[]>
  duplicateKeys: number
  firstDuplicate?: KeyJson
  /** Whether a key can be in one part only, by the parts' first and last keys. */
  areRanges: boolean
}

/**
 * Joins neighbouring small parts of the map tasks up to `partBytes`, by tasks of their own where there is
 * something to join; a part that stands alone is taken as it is, and so are those of reducers.
 */
export async function gatherParts(
  maps: readonly TaskReport[],
  reduces: readonly TaskReport[],
  job: JobSpec,
  partBytes: number,
  runTasks: (tasks: readonly TaskSpec[]) => Promise<TaskReport[]>,
): Promise<OutputParts> {
  const groups = {
    part: neighbours(maps, 'part', partBytes),
    quarantine: neighbours(maps, 'quarantine', partBytes),
  }
  const tasks: JoinTaskSpec[] = []
  for (const what of ['part', 'quarantine'] as const) {
    const { format, keyClass } = what === 'part' ? job.output : quarantineOutput(job.output)
    for (const group of groups[what]) {
      if (group.reports.length === 1) continue
      tasks.push({
        kind: 'join',
        job,
        taskId: joinTaskId(tasks.length),
        attempt: 0,
        sources: group.reports.map((report) => report.taskId),
        // What is not ordered by key stays in the order of the input.
        areAscending:
          format !== 'mapfile' ||
          areAscending(
            keyClass,
            group.reports.map((report) => report[what]!),
          ),
        what,
      })
    }
  }
  const joined = await runTasks(tasks)
  let used = 0
  const resultOf = (group: Group): TaskReport =>
    group.reports.length === 1 ? group.reports[0]! : joined[used++]!
  const fromMaps = groups.part.map(resultOf)
  const fromQuarantine = groups.quarantine.map(resultOf)
  const kind = reduces.length > 0 ? 'r' : 'm'
  const written = reduces.length > 0 ? reduces : fromMaps
  const reports = written.map((report) => report.part!)
  const names = [...new Set(reduces.flatMap((report) => Object.keys(report.outputs ?? {})))].sort()
  return {
    parts: written.map(({ taskId, part }, index) => ({
      taskId,
      from: ATTEMPT_PART,
      part: successPart(part!, partName(index, kind)),
    })),
    quarantine: fromQuarantine.map(({ taskId, quarantine }, index) => ({
      taskId,
      from: ATTEMPT_QUARANTINE,
      part: successPart(quarantine!, partName(index)),
    })),
    outputs: Object.fromEntries(
      names.map((name) => [
        name,
        reduces.flatMap(({ taskId, outputs }, index) =>
          outputs?.[name]
            ? [
                {
                  taskId,
                  from: `${ATTEMPT_PART}-${name}`,
                  part: successPart(outputs[name], partName(index, 'r', name)),
                },
              ]
            : [],
        ),
      ]),
    ),
    ...(job.output.format === 'mapfile' ? duplicates(job.output.keyClass, reports) : { duplicateKeys: 0 }),
    areRanges: job.output.format === 'mapfile' && areRanges(job.output.keyClass, reports),
  }
}

/** Puts the output together in the job's folder, by renames; the parts are already written. */
export async function assembleOutput(
  jobFolder: Location,
  { parts, quarantine, outputs }: OutputParts,
  job: JobSpec,
  success: SuccessFile,
): Promise<void> {
  const { fs, path } = jobFolder
  const output = outputFolder(path)
  // Only drivers of this job move anything there, so what is there was moved: by one that was killed, or by us.
  const move = async (from: string, to: string) => {
    if (await exists({ fs, path: to })) return
    await renameSurely(fs, from, to, () => exists({ fs, path: to }))
  }
  const place = async (placed: readonly Placed[], folder: string) => {
    for (const { taskId, from, part } of placed) {
      await move(joinPath(committedFolder(path, taskId), from), joinPath(folder, part.name))
    }
  }
  // Without its parents: a driver that comes late must not make the folder of a job that has ended again.
  await ensureFolder({ fs, path: output })
  await place(parts, output)
  for (const each of Object.values(outputs)) await place(each, output)
  if (quarantine.length > 0) {
    const folder = joinPath(output, QUARANTINE_FOLDER)
    await ensureFolder({ fs, path: folder })
    await place(quarantine, folder)
  }
  // A job that wrote nothing still leaves a part, so that whatever reads it finds no record, not no file.
  if (parts.length === 0) {
    const aside = joinPath(path, `empty-${job.epoch}`)
    await using part = new PartWriter(fs, aside, job.output)
    await part.closeEvenEmpty()
    await move(aside, joinPath(output, partName(0)))
  }
  const aside = joinPath(path, `${SUCCESS_FILE}-${job.epoch}`)
  await writeText(fs, aside, `${JSON.stringify(success, null, 2)}\n`, { durable: true })
  await move(aside, joinPath(output, SUCCESS_FILE))
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

/** Equal keys at a border may stay as they stand: they are in the order of the input. */
function areAscending(keyClass: string, parts: readonly PartReport[]): boolean {
  return borders(keyClass, parts).every((order) => order <= 0)
}

/** Whether each part's keys lie after those of the part before, so that a key can be in one part only. */
function areRanges(keyClass: string, parts: readonly PartReport[]): boolean {
  return borders(keyClass, parts).every((order) => order < 0)
}

/** Within the parts, and where the last key of one is the first of the next. */
function duplicates(
  keyClass: string,
  parts: readonly PartReport[],
): { duplicateKeys: number; firstDuplicate?: KeyJson } {
  const filled = parts.filter((part) => part.records > 0)
  const atBorders = borders(keyClass, parts).flatMap((order, i) => (order === 0 ? [filled[i + 1]!] : []))
  const firstDuplicate =
    parts.find((part) => part.firstDuplicate !== undefined)?.firstDuplicate ?? atBorders[0]?.firstKey
  return {
    duplicateKeys: parts.reduce((sum, part) => sum + part.duplicateKeys, 0) + atBorders.length,
    ...(firstDuplicate === undefined ? {} : { firstDuplicate }),
  }
}

/** How the last key of each part compares with the first of the next; parts without records are passed over. */
function borders(keyClass: string, parts: readonly PartReport[]): number[] {
  const filled = parts.filter((part) => part.records > 0)
  const { compare } = keyOrder(keyClass)
  return filled
    .slice(1)
    .map((part, i) =>
      compare(keyFromJson(keyClass, filled[i]!.lastKey), keyFromJson(keyClass, part.firstKey)),
    )
}

function successPart(report: PartReport, name: string): SuccessPart {
  const { duplicateKeys: _, firstDuplicate: __, ...part } = report
  return { name, ...part }
}
