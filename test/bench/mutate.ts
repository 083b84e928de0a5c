/**
 * Damaged pictures of every format: first through `thumbnail`, `binarize` and `readHeader` in one process, then as a
 * folder through the command with `--isolation process`. Each must be decoded or refused in our own words; prints how
 * many were, the slowest, and the memory.
 *
 * Run with: npm run bench -- mutate [number, 10000] [seed, 1]
 * After a crash: npm run bench -- mutate [number] [seed] [the number that the last line of the failed run names]
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binarize } from '../../src/image/binarize.js'
import { readHeader } from '../../src/image/header.js'
import { Picture } from '../../src/image/picture.js'
import { thumbnail } from '../../src/image/thumbnail.js'
import { mutated, mutationSamples, refusalOf, seeded } from '../image/mutations.js'

const [count = 10_000, seed = 1, only] = process.argv.slice(2).map(Number)
const HANG_MS = 5000

const samples = [...(await mutationSamples())]

/** The mutant of a number, whatever was made before it. */
function mutant(index: number): Picture {
  const [name, bytes] = samples[index % samples.length]!
  const dot = name.lastIndexOf('.')
  const key = `${name.slice(0, dot)}-${String(index).padStart(6, '0')}${name.slice(dot)}`
  return new Picture(key, mutated(bytes, seeded(seed * 0x9e3779b1 + index)))
}

const rssMib = () => process.memoryUsage.rss() / 2 ** 20

async function throughFunctions(): Promise<void> {
  const decoded = { thumbnail: 0, binarize: 0 }
  const reasons = new Map<string, number>()
  const failures: string[] = []
  let slowest = { key: '', ms: 0 }
  let peakMib = 0
  let earlyMib = 0
  for (let index = only ?? 0; index < (only === undefined ? count : only + 1); index++) {
    // On the same line again and again; what a crash leaves there is the culprit.
    writeSync(2, `\r${index}`)
    const picture = mutant(index)
    const start = performance.now()
    readHeader(picture.bytes)
    for (const [name, operation] of Object.entries({ thumbnail, binarize })) {
      try {
        const reason = await refusalOf(picture.key, () => operation(picture))
        if (reason === undefined) decoded[name as keyof typeof decoded]++
        else reasons.set(kindOf(reason), (reasons.get(kindOf(reason)) ?? 0) + 1)
      } catch (error) {
        failures.push(`${index}, ${name}: ${(error as Error).message}`)
      }
    }
    const ms = performance.now() - start
    if (ms > slowest.ms) slowest = { key: picture.key, ms }
    peakMib = Math.max(peakMib, rssMib())
    if (index === Math.floor(count / 10)) earlyMib = rssMib()
  }
  writeSync(2, '\r')
  console.log(`${count} damaged pictures, seed ${seed}`)
  console.log(
    `  decoded by thumbnail ${decoded.thumbnail}, by binarize ${decoded.binarize}; the others refused`,
  )
  console.log(
    `  slowest ${slowest.key}: ${slowest.ms.toFixed(0)} ms (${slowest.ms > HANG_MS ? 'a hang' : 'no hang'})`,
  )
  console.log(
    `  memory after a tenth ${earlyMib.toFixed(0)} MiB, at the end ${rssMib().toFixed(0)}, at most ${peakMib.toFixed(0)}`,
  )
  console.log(`  ${reasons.size} kinds of reasons:`)
  for (const [reason, times] of [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 40)) {
    console.log(`  ${String(times).padStart(7)}  ${reason}`)
  }
  console.log(`  not in our own words: ${failures.length}`)
  for (const failure of failures.slice(0, 50)) console.log(`    ${failure}`)
  if (failures.length > 0 || slowest.ms > HANG_MS) process.exitCode = 1
}

/** A reason without its numbers. */
function kindOf(reason: string): string {
  return reason.replace(/0x[\da-f]+|\d+/gi, 'n').replace(/\(they begin with .*\)/, '(they begin with ...)')
}

function throughCommand(job: string): void {
  const scratch = mkdtempSync(join(tmpdir(), 'pixelreduce-mutate-'))
  try {
    const input = join(scratch, 'in')
    mkdirSync(input)
    for (let index = 0; index < count; index++) {
      const { key, bytes } = mutant(index)
      writeFileSync(join(input, key), bytes)
    }
    const output = join(scratch, 'out')
    const flags = ['--isolation', 'process', '--max-bad', '100%', '--workers', '2', '--progress', 'none']
    const { status, stderr } = spawnSync(
      '/usr/bin/time',
      ['-f', '%e %M', 'node', 'dist/bin/run-job.cjs', job, '-i', input, '-o', output, ...flags],
      { encoding: 'utf8', maxBuffer: 2 ** 28 },
    )
    const [seconds, kib] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number)
    const success = JSON.parse(readFileSync(join(output, '_SUCCESS'), 'utf8')) as { ledger: object }
    const died = stderr.match(/its process died/g)?.length ?? 0
    console.log(`run-job ${job} --isolation process: exit code ${status}, processes that died: ${died}`)
    console.log(`  ${JSON.stringify(success.ledger)}`)
    console.log(`  ${seconds} s, at most ${Math.round(kib! / 1024)} MiB in one process`)
    if (status !== 3 || died > 0) process.exitCode = 1
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

await throughFunctions()
if (only === undefined) for (const job of ['thumbnail', 'binarize']) throughCommand(job)
