/**
 * The whole thumbnail command against a plain sharp script with two concurrent calls and the same options,
 * in turn: images per second over 480 photographs, start-up over one, and peak memory over 240 and 2,400. Where
 * Python has them, also against Pillow's draft mode and OpenCV's reduced decoding with two processes.
 *
 * Run with: [PYTHON=python3] npm run bench -- thumbnail
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesIn, photographs } from './photographs.js'

const ROUNDS = 5
const scratch = mkdtempSync(join(tmpdir(), 'pixelreduce-bench-'))
const output = join(scratch, 'out')

/** Wall seconds and peak memory in MiB of a command that must succeed. */
function run(command: string, args: string[]): { seconds: number; peakMib: number } {
  rmSync(output, { recursive: true, force: true })
  const start = performance.now()
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', '%M', command, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`)
  return {
    seconds: (performance.now() - start) / 1000,
    peakMib: Number(stderr.trim().split('\n').at(-1)) / 1024,
  }
}

const job = (input: string) =>
  run('node', [
    'dist/bin/run-job.cjs',
    'thumbnail',
    '--input',
    input,
    '--output',
    output,
    '--workers',
    '2',
    '--progress',
    'none',
  ])
const script = (input: string) => run('node', ['test/bench/plain-sharp.mjs', input, output])

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** Both commands in turn, so that a machine that slows down slows both. */
function pairs(input: string, rounds: number) {
  job(input)
  script(input)
  return Array.from({ length: rounds }, () => ({ job: job(input).seconds, script: script(input).seconds }))
}

const many = await photographs(480)
const speeds = pairs(many, ROUNDS)
const ours = median(speeds.map((pair) => pair.job))
const theirs = median(speeds.map((pair) => pair.script))
console.log(
  `480 photographs: run-job ${(480 / ours).toFixed(1)} images/s, plain sharp script ${(480 / theirs).toFixed(1)}`,
)
console.log(
  `ratio (median of pairs, at least 0.95 is asked): ${median(speeds.map((pair) => pair.script / pair.job)).toFixed(3)}`,
)

const python = process.env.PYTHON ?? 'python3'
for (const [library, module, name] of [
  ['pillow', 'PIL', 'Pillow'],
  ['opencv', 'cv2', 'opencv-python-headless'],
] as const) {
  if (spawnSync(python, ['-c', `import ${module}`]).status !== 0) {
    console.log(`${library}: not compared; "${python} -m pip install ${name}", or say PYTHON=`)
    continue
  }
  const peer = () => run(python, ['test/bench/thumbnail-peers.py', library, many, output])
  peer()
  const ratios = Array.from({ length: ROUNDS }, () => {
    const ourSeconds = job(many).seconds
    return peer().seconds / ourSeconds
  })
  console.log(`ratio to ${library} with two processes (at least 1.0 is asked): ${median(ratios).toFixed(3)}`)
}

const one = join(scratch, 'one')
mkdirSync(one)
cpSync((await filesIn(many))[0]!, join(one, 'photo.jpg'))
const starts = pairs(one, 9)
console.log(
  `one photograph: run-job takes ${median(starts.map((pair) => pair.job - pair.script)).toFixed(3)} s more (at most 0.25 is asked)`,
)

const few = job(await photographs(240)).peakMib
const lots = job(await photographs(2400)).peakMib
console.log(
  `peak memory: 240 photographs ${few.toFixed(0)} MiB, 2,400 ${lots.toFixed(0)} MiB; ratio (at most 1.1 is asked): ${(lots / few).toFixed(3)}`,
)
rmSync(scratch, { recursive: true, force: true })
