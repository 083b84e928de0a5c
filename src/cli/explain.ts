import prettyBytes from 'pretty-bytes'
import type { ExplainedSplit, Explanation } from '../engines/explain-job.js'
import { counted } from '../mapreduce/counted.js'
import { bandsInWords } from '../mapreduce/input/picture-bands.js'
import { writeLine } from './output.js'

/** Splits that are printed one by one; `--json` has them all. */
const SHOWN_SPLITS = 20

/** Prints what a job would do. @returns the exit code */
export async function printExplanation(explanation: Explanation, json: boolean): Promise<number> {
  if (json) {
    await writeLine(JSON.stringify(explanation))
    return 0
  }
  for (const line of lines(explanation)) await writeLine(line)
  return 0
}

function* lines(explanation: Explanation): Generator<string> {
  const { job, params, version, inputs, splits, reducers, memory, output, left } = explanation
  const records = explanation.records === undefined ? '' : `${counted(explanation.records, 'record')}, `
  yield `${job}: the plan; nothing is run`
  yield `  params   ${JSON.stringify(params)}`
  yield `  version  pixelreduce ${version.pixelreduce}, node ${version.node}, sharp ${version.sharp}; the job's code ${version.job}`
  yield `  input    ${records}${prettyBytes(explanation.bytes)}`
  for (const { uri, kind, bytes } of inputs) yield `    ${uri}  ${kind}, ${prettyBytes(bytes)}`
  const others = Object.entries(left).map(([extension, count]) => `${count} ${extension}`)
  if (others.length > 0) yield `    left: ${others.join(', ')}`
  yield `  map      ${counted(splits.length, 'task')}${sizes(splits)}`
  for (const split of splits.slice(0, SHOWN_SPLITS)) yield `    ${splitLine(split)}`
  if (splits.length > SHOWN_SPLITS) yield `    and ${splits.length - SHOWN_SPLITS} more; --json has them all`
  yield `  reduce   ${counted(reducers.count, 'task')}: ${reducers.why}`
  yield `  memory   about ${prettyBytes(memory.total)} at the most`
  yield `    ${counted(memory.workers, 'worker')}: ${prettyBytes(memory.threads)}`
  if (memory.decoding > 0) yield `    pictures being decoded: ${prettyBytes(memory.decoding)} (--memory)`
  yield `    read ahead by ${counted(memory.mapTasks, 'map task')} at once: ${prettyBytes(memory.readAhead)}`
  if (memory.sortBuffers > 0)
    yield `    their sort buffers: ${prettyBytes(memory.sortBuffers)} (--sort-buffer)`
  if (memory.merges > 0) {
    yield `    merges of ${counted(memory.reduceTasks, 'reduce task')} at once, later: ${prettyBytes(memory.merges)} (--sort-buffer)`
  }
  const codec = output.codec === undefined ? '' : ` by ${shortClass(output.codec)}`
  yield `  output   ${output.uri}${output.exists ? '  (exists already: only --overwrite replaces it)' : ''}`
  yield `    ${output.format} of ${shortClass(output.keyClass)} and ${shortClass(output.valueClass)}, compression ${output.compression}${codec}, parts joined up to ${prettyBytes(output.partBytes)}`
}

function sizes(splits: readonly ExplainedSplit[]): string {
  if (splits.length < 2) return ''
  const bytes = splits.map((split) => split.bytes)
  const least = bytes.reduce((a, b) => Math.min(a, b))
  const most = bytes.reduce((a, b) => Math.max(a, b))
  return `, ${prettyBytes(least)} to ${prettyBytes(most)} each`
}

function splitLine({ taskId, path, bytes, records, hosts, ...split }: ExplainedSplit): string {
  const range = rangeOf(split)
  const count = records === undefined ? '' : `, ${counted(records, 'record')}`
  const where = hosts.length > 0 ? `, on ${hosts.join(', ')}` : ''
  return `${taskId}  ${path}${range}  ${prettyBytes(bytes)}${count}${where}`
}

function rangeOf({
  kind,
  start,
  end,
  bands,
}: Pick<ExplainedSplit, 'kind' | 'start' | 'end' | 'bands'>): string {
  if (bands) return ` ${bandsInWords(bands)}`
  // Of files combined, start and end are places in a list.
  return kind === 'picture-files' || kind === 'text-files' ? '' : ` ${start}-${end}`
}

function shortClass(className: string): string {
  return className.slice(className.lastIndexOf('.') + 1)
}
