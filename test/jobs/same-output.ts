import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { treeOf } from '../pictures.js'
import { runJobCommand } from '../run-command.js'

/** How a job may be run without a difference to its output. */
const WAYS = [
  ['--workers', '1'],
  ['--workers', '3'],
  ['--splits', '1'],
  ['--splits', '7'],
  ['--sort-buffer', '1M', '--splits', '2'],
]

/** What says when a job ran, how long, and in which tasks. */
const TELLS_THE_RUN = /^_SUCCESS$|^_logs\/|\/_reasons\.jsonl$/

/**
 * Runs a built-in job with the real command, in one way after the other, and a copy of it that has no
 * combiner where it has one; each must write the same bytes.
 * @returns the output's folder, and its files but those that tell the run
 */
export async function runEveryWay(
  job: string,
  folder: string,
  args: string[],
  exitCode = 0,
): Promise<{ output: string; files: Record<string, Buffer> }> {
  const output = join(folder, `${job}-out`)
  const files = await run(job, output, args, exitCode)
  for (const [number, way] of WAYS.entries()) {
    const others = await run(job, `${output}-${number}`, [...args, ...way], exitCode)
    expect(digests(others), way.join(' ')).toEqual(digests(files))
  }
  const copy = await withoutCombiner(job, folder)
  if (copy) {
    const others = await run(copy, `${output}-uncombined`, args, exitCode)
    expect(digests(others), 'no combiner').toEqual(digests(files))
  }
  return { output, files }
}

/** Compared in an instant, which buffers are not. */
function digests(files: Record<string, Buffer>): Record<string, string> {
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, digest(bytes)]))
}

async function run(
  job: string,
  output: string,
  args: string[],
  exitCode: number,
): Promise<Record<string, Buffer>> {
  const { code, stderr } = await runJobCommand([job, '--output', output, '--progress', 'none', ...args])
  expect(stderr).toBe('')
  expect(code).toBe(exitCode)
  const files = Object.entries(await treeOf(output))
  return Object.fromEntries(files.filter(([name]) => !TELLS_THE_RUN.test(name)))
}

async function withoutCombiner(job: string, folder: string): Promise<string | undefined> {
  const source = await readFile(fileURLToPath(new URL(`../../jobs/${job}.ts`, import.meta.url)), 'utf8')
  const uncombined = source.replace(/^ {2}combine: .*\n/m, '')
  if (uncombined === source) return undefined
  const path = join(folder, `${job}.ts`)
  await writeFile(path, uncombined)
  return path
}
