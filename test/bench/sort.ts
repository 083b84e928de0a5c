/**
 * A sort of 1 GB of random records of 100 bytes by two workers, against GNU sort with as much memory and as
 * many threads, in turn; then the peak memory of sorting four times as much.
 *
 * Run with: npm run bench -- sort [megabytes, default 1024] [rounds, default 3]
 */
import { spawnSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const RECORD_BYTES = 100
const BATCH = 10_000
const scratch = mkdtempSync(join(tmpdir(), 'pixelreduce-bench-'))

/** Lines of 99 random characters from the 64 of base64. */
function writeLines(path: string, megabytes: number): void {
  if (existsSync(path)) return
  const file = openSync(path, 'w')
  const letters = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
  const lines = Buffer.alloc(BATCH * RECORD_BYTES)
  const records = Math.floor((megabytes * 1024 * 1024) / RECORD_BYTES)
  for (let written = 0; written < records; written += BATCH) {
    randomFillSync(lines)
    for (let at = 0; at < lines.length; at++) {
      lines[at] = at % RECORD_BYTES === RECORD_BYTES - 1 ? 10 : letters[lines[at]! & 63]!
    }
    writeSync(file, lines, 0, Math.min(BATCH, records - written) * RECORD_BYTES)
  }
  closeSync(file)
}

/** Wall seconds, CPU seconds and peak memory in MiB of a command that must succeed. */
function run(
  command: string,
  args: string[],
  environment = {},
): { seconds: number; cpu: number; peakMib: number } {
  const start = performance.now()
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', '%U %S %M', command, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`)
  const [user, system, kib] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number)
  return { seconds: (performance.now() - start) / 1000, cpu: user! + system!, peakMib: kib! / 1024 }
}

const output = join(scratch, 'sorted')
const job = (input: string, ...more: string[]) =>
  run('node', [
    'dist/bin/run-job.cjs',
    'test/bench/sort-job.ts',
    '--input',
    input,
    '--output',
    output,
    '--overwrite',
    '--workers',
    '2',
    '--sort-buffer',
    '32M',
    '--progress',
    'none',
    ...more,
  ])
const gnu = (input: string) =>
  run('sort', ['-S', '256M', '--parallel=2', '-T', scratch, '-o', join(scratch, 'gnu'), input], {
    LC_ALL: 'C',
  })

async function digest(paths: string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const path of paths) for await (const piece of createReadStream(path)) hash.update(piece)
  return hash.digest('hex')
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

const megabytes = Number(process.argv[2] ?? 1024)
const rounds = Number(process.argv[3] ?? 3)
try {
  const input = join(tmpdir(), `pixelreduce-lines-${megabytes}`)
  writeLines(input, megabytes)
  const pairs = Array.from({ length: rounds }, () => ({ gnu: gnu(input), job: job(input) }))
  const parts = readdirSync(output)
    .filter((name) => name.startsWith('part-'))
    .sort()
  const ours = await digest(parts.map((name) => join(output, name)))
  if (ours !== (await digest([join(scratch, 'gnu')]))) throw new Error('The two outputs differ')
  const show = (of: { seconds: number; cpu: number; peakMib: number }) =>
    `${of.seconds.toFixed(1)} s (${of.cpu.toFixed(1)} s of CPU, ${of.peakMib.toFixed(0)} MiB)`
  for (const pair of pairs)
    console.log(`${megabytes} MiB: GNU sort ${show(pair.gnu)}, ours ${show(pair.job)}`)
  console.log(
    `sort ratio (in speed, at least 0.5; median of ${rounds} pairs): ${median(pairs.map((pair) => pair.gnu.seconds / pair.job.seconds)).toFixed(2)}`,
  )
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
