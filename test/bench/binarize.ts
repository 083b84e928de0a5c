/**
 * Without arguments: how fast pictures become black and white. Otsu's threshold against OpenCV's in Python and
 * Sauvola's against scikit-image's, of the same grey pixels in one thread each; then the whole command over 240
 * photographs against Pillow and OpenCV in Python with two processes each, in turn.
 *
 * With two folders: how well, as mean F-measure, PSNR and DRDM of a folder of pictures and one of ground truths of the
 * same names; a truth's may end in _GT, -truth and the like. Options are those of `run-job binarize`.
 *
 * Run with: npm run bench -- binarize [PICTURES TRUTHS] [--method NAME...] [--window N] [--k X] ...
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { Command } from 'commander'
import { greyHistogram } from '../../src/image/binarize/histogram.js'
import {
  BINARIZE_METHODS,
  type BinarizeMethod,
  binarizeGrey,
  type ThresholdOptions,
} from '../../src/image/binarize/methods.js'
import { otsuThreshold } from '../../src/image/binarize/otsu.js'
import { applyThreshold } from '../../src/image/binarize/threshold.js'
import { decodeGrey, type GreyPixels } from '../../src/image/grey.js'
import { Picture } from '../../src/image/picture.js'
import { type BinarizationScores, scoreBinarization } from '../image/binarization-scores.js'
import { decodeBmp } from './bmp.js'
import { filesIn, photographs } from './photographs.js'

const command = new Command()
  .argument('[pictures]')
  .argument('[truths]')
  .option('--method <names...>', 'one or several', [...BINARIZE_METHODS])
for (const option of ['window', 'k', 'threshold', 'r', 'c', 'min-n']) {
  command.option(`--${option} <number>`, 'as of run-job binarize', Number)
}
command.option('--ink <name>', 'as of run-job binarize').parse()
const [pictures, truths] = command.args

if (pictures === undefined) await speed()
else if (truths === undefined) command.error('name a folder of pictures and one of their truths')
else await quality(pictures, truths)

async function quality(pictures: string, truths: string): Promise<void> {
  const pairs = pairFiles(pictures, truths)
  if (pairs.length === 0)
    throw new Error(`Cannot compare: no picture of ${pictures} has its truth in ${truths}`)
  const { method: methods, ...given } = command.opts<{ method: BinarizeMethod[] }>()
  for (const method of methods) {
    const options: ThresholdOptions = { ...given, method }
    const all: BinarizationScores[] = []
    for (const [file, truthFile] of pairs) {
      const grey = await readGrey(file)
      const truth = await readGrey(truthFile)
      if (truth.width !== grey.width || truth.height !== grey.height) {
        throw new Error(`Cannot compare: ${truthFile} is not of the size of ${file}`)
      }
      const made = await binarizeGrey(grey, options)
      const scores = scoreBinarization(made, applyThreshold(truth.data, 127), grey.width, grey.height)
      if (methods.length === 1) console.log(scoreLine(file, scores))
      all.push(scores)
    }
    console.log(scoreLine(`${method} (mean of ${all.length})`, meanScores(all)))
  }
}

function scoreLine(what: string, { fMeasure, psnr, drdm }: BinarizationScores): string {
  return `${what}: F-measure ${fMeasure.toFixed(2)}, PSNR ${psnr.toFixed(2)}, DRDM ${drdm.toFixed(2)}`
}

function meanScores(all: readonly BinarizationScores[]): BinarizationScores {
  const mean = (of: keyof BinarizationScores) => all.reduce((sum, scores) => sum + scores[of], 0) / all.length
  return { fMeasure: mean('fMeasure'), psnr: mean('psnr'), drdm: mean('drdm') }
}

function pairFiles(pictures: string, truths: string): [picture: string, truth: string][] {
  const stem = (name: string) =>
    name
      .slice(0, name.length - extname(name).length)
      .toLowerCase()
      .replace(/[-_. ]*(est)?(gt|ground-?truth|truth)$/, '')
  const truthOf = new Map(readdirSync(truths).map((name) => [stem(name), join(truths, name)]))
  return readdirSync(pictures)
    .sort()
    .flatMap((name): [string, string][] => {
      const truth = truthOf.get(stem(name))
      const file = join(pictures, name)
      return truth && truth !== file ? [[file, truth]] : []
    })
}

async function readGrey(file: string): Promise<GreyPixels> {
  const bytes = readFileSync(file)
  return bytes.toString('latin1', 0, 2) === 'BM' ? decodeBmp(bytes) : decodeGrey(new Picture(file, bytes))
}

async function speed(): Promise<void> {
  const folder = await photographs(240)
  const scratch = mkdtempSync(join(tmpdir(), 'pixelreduce-bench-'))
  try {
    await thresholdSpeed((await filesIn(folder))[0]!, scratch)
    commandSpeed(folder, join(scratch, 'out'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function thresholdSpeed(file: string, scratch: string): Promise<void> {
  const grey = await readGrey(file)
  const pixels = join(scratch, 'grey')
  writeFileSync(pixels, grey.data)
  const windows = [15, 51, 151]
  const seconds: { ours: Thresholds; theirs: Thresholds }[] = []
  for (let round = 0; round < 3; round++) {
    const sauvola: Record<string, number> = {}
    for (const window of windows) {
      sauvola[window] = await best(() => binarizeGrey(grey, { method: 'sauvola', window, k: 0.2 }), 30)
    }
    const mask = new Uint8Array(grey.data.length)
    const otsu = await best(
      () => applyThreshold(grey.data, otsuThreshold(greyHistogram(grey.data)), mask),
      100,
    )
    const theirs = JSON.parse(
      peer(['threshold', pixels, String(grey.width), String(grey.height), ...windows.map(String)]),
    ) as Thresholds
    seconds.push({ ours: { otsu, sauvola }, theirs })
  }
  const report = (name: string, asked: number, of: (thresholds: Thresholds) => number) => {
    const ours = Math.min(...seconds.map((round) => of(round.ours)))
    const theirs = Math.min(...seconds.map((round) => of(round.theirs)))
    console.log(
      `${name}, ${grey.width} x ${grey.height}: ours ${milliseconds(ours)}, theirs ${milliseconds(theirs)}; ratio (at least ${asked} is asked): ${(theirs / ours).toFixed(2)}`,
    )
  }
  report("Otsu against OpenCV's", 0.8, ({ otsu }) => otsu)
  for (const window of windows) {
    report(`Sauvola, window ${window}, against scikit-image's`, 20, ({ sauvola }) => sauvola[window]!)
  }
}

/** Seconds. */
interface Thresholds {
  readonly otsu: number
  readonly sauvola: Readonly<Record<string, number>>
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(2)} ms`
}

/** The shortest of several rounds, in seconds. */
async function best(work: () => unknown, rounds: number): Promise<number> {
  await work()
  let shortest = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    await work()
    shortest = Math.min(shortest, performance.now() - start)
  }
  return shortest / 1000
}

function commandSpeed(input: string, output: string): void {
  const run = (work: () => void) => {
    rmSync(output, { recursive: true, force: true })
    const start = performance.now()
    work()
    return (performance.now() - start) / 1000
  }
  const job = () => {
    const flags = ['--input', input, '--output', output, '--workers', '2', '--progress', 'none']
    const { status, stderr } = spawnSync('node', ['dist/bin/run-job.cjs', 'binarize', ...flags], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`run-job ended with ${status}: ${stderr}`)
  }
  const rounds = Array.from({ length: 5 }, () => ({
    ours: run(job),
    pillow: run(() => peer(['pillow', input, output])),
    openCv: run(() => peer(['opencv', input, output])),
  }))
  const median = (list: number[]) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]!
  const of = (name: 'ours' | 'pillow' | 'openCv') => median(rounds.map((round) => round[name]))
  console.log(
    `240 photographs, Otsu to PNG: run-job ${of('ours').toFixed(2)} s, Pillow ${of('pillow').toFixed(2)} s, OpenCV ${of('openCv').toFixed(2)} s`,
  )
  const ratio = (name: 'pillow' | 'openCv') =>
    median(rounds.map((round) => round[name] / round.ours)).toFixed(2)
  console.log(
    `ratio in speed (median of rounds, at least 1 is asked of Pillow): Pillow ${ratio('pillow')}, OpenCV ${ratio('openCv')}`,
  )
}

/** What a peer says on stdout. */
function peer(args: string[]): string {
  const python = process.env.PYTHON ?? 'python3'
  const { status, stdout, stderr, error } = spawnSync(python, ['test/bench/binarize-peers.py', ...args], {
    encoding: 'utf8',
  })
  if (status === 0) return stdout
  if (error || /ModuleNotFoundError/.test(stderr)) {
    throw new Error(
      `Cannot run the peers with ${python}: ${error?.message ?? stderr.trim().split('\n').at(-1)}; ` +
        'run "pip install pillow numpy opencv-python-headless scikit-image" and name that Python in $PYTHON',
    )
  }
  throw new Error(`${python} ${args.join(' ')} ended with ${status}: ${stderr}`)
}
