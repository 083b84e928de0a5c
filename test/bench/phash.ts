/**
 * The whole phash command over 240 photographs with two workers, in turn with Python scripts of two processes:
 * ImageHash over all pixels against the default, ImageHash over Pillow's draft mode and OpenCV's reduced decoding
 * against --draft. Tells how many hashes are those of ImageHash, and by how many bits drafts differ.
 *
 * Run with: npm run bench -- phash
 * Python is $PYTHON, or python3; it needs: pip install ImageHash opencv-python-headless
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { photographs } from './photographs.js'

const ROUNDS = 5
const python = process.env.PYTHON ?? 'python3'
const PACKAGES = 'ImageHash opencv-python-headless'
const scratch = mkdtempSync(join(tmpdir(), 'pixelreduce-bench-'))
const input = await photographs(240)

type Peer = 'exact' | 'draft' | 'opencv'
const WHICH = {
  exact: 'ImageHash, all pixels',
  draft: 'ImageHash over draft mode',
  opencv: 'OpenCV, an eighth in grey',
} as const satisfies Record<Peer, string>

const { status } = spawnSync(python, ['-c', 'import imagehash, cv2'])
if (status !== 0) {
  console.error(
    `${python} lacks packages of the peers; run "${python} -m pip install ${PACKAGES}", or set PYTHON`,
  )
  process.exit(1)
}

/** Wall seconds of a command that must succeed. */
function run(command: string, args: string[]): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`)
  return (performance.now() - start) / 1000
}

function job(output: string, ...flags: string[]): number {
  rmSync(output, { recursive: true, force: true })
  const run_ = ['--input', input, '--output', output, '--output-format', 'text']
  return run('node', [
    'dist/bin/run-job.cjs',
    'phash',
    ...run_,
    '--workers',
    '2',
    '--progress',
    'none',
    ...flags,
  ])
}

function peer(mode: Peer, output: string): number {
  return run(python, ['test/bench/phash-peer.py', mode, input, output])
}

/** Lines of key, tab, hash. */
function hashes(file: string): Map<string, string> {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return new Map(lines.map((line) => line.split('\t') as [string, string]))
}

/** How many bits of each picture's hashes differ. */
function differences(a: Map<string, string>, b: Map<string, string>): number[] {
  return [...a].map(([key, hash]) => {
    const bits = (BigInt(`0x${hash}`) ^ BigInt(`0x${b.get(key)}`)).toString(2)
    return bits.replaceAll('0', '').length
  })
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

const ours = join(scratch, 'ours')
const drafts = join(scratch, 'drafts')
const theirs = (mode: Peer) => join(scratch, mode)

// Each in turn, so that a machine that slows down slows all.
const rounds = Array.from({ length: ROUNDS + 1 }, () => ({
  ours: job(ours),
  exact: peer('exact', theirs('exact')),
  drafts: job(drafts, '--draft'),
  draft: peer('draft', theirs('draft')),
  opencv: peer('opencv', theirs('opencv')),
})).slice(1)

function compare(name: string, mine: 'ours' | 'drafts', mode: Peer): void {
  const seconds = (which: 'ours' | 'drafts' | Peer) => median(rounds.map((round) => round[which])).toFixed(2)
  const ratio = median(rounds.map((round) => round[mode] / round[mine]))
  console.log(`${name} ${seconds(mine)} s, ${WHICH[mode]} ${seconds(mode)} s: ratio ${ratio.toFixed(2)}`)
}

compare('phash', 'ours', 'exact')
compare('phash --draft', 'drafts', 'draft')
compare('phash --draft', 'drafts', 'opencv')

const exact = hashes(join(ours, 'part-m-00000'))
const off = differences(exact, hashes(theirs('exact')))
console.log(`of ${off.length} hashes ${off.filter((bits) => bits === 0).length} are those of ImageHash`)
for (const [name, file] of [
  ['--draft', join(drafts, 'part-m-00000')],
  ["Pillow's draft mode", theirs('draft')],
] as const) {
  const bits = differences(exact, hashes(file))
  const mean = bits.reduce((sum, each) => sum + each, 0) / bits.length
  console.log(
    `${name}: ${bits.filter((each) => each === 0).length} are the same, on average ${mean.toFixed(2)} bits differ, at the most ${Math.max(...bits)}`,
  )
}
rmSync(scratch, { recursive: true, force: true })
