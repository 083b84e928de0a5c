import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import prettyBytes from 'pretty-bytes'
import { describeError, MissingPackageError, TimeoutError } from '../errors.js'
import type { Finding } from '../fs/finding.js'
import { loadOpenCv, withMats } from '../image/opencv.js'
import { loadSharp } from '../image/sharp.js'
import { loadWritingCodec } from '../io/codecs/index.js'
import { packageRoot } from '../package-root.js'

/** Below this not even one large photograph can be decoded. */
const LEAST_MEMORY_BYTES = 256 * 1024 * 1024
const TRIAL_SIDE = 16

/** The codecs whose packages are optional: what they are for, and the package. */
const OPTIONAL_CODECS = {
  snappy: 'snappy',
  lz4: 'lz4-napi',
  zstd: '@bokuweb/zstd-wasm',
} as const

const SYSTEM_ERRORS: Record<string, string> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
}

/** What a check has to say beside its own name. */
type Found = Omit<Finding, 'check'>

/** Checks the installation and this machine, all at once; each comes out as a finding of its own. */
export function machineHealth(limitMs: number): Promise<Finding>[] {
  const { version, engines } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string
    engines: { node: string }
  }
  const check = (name: string, fix: string, work: () => Promise<Found>) => finding(name, limitMs, fix, work)
  return [
    check('pixelreduce', '', async () => ({ ok: true, detail: version })),
    check('Node.js', '', async () => nodeVersion(engines.node.replace('>=', ''))),
    check('sharp', 'run "npm install --include=optional sharp"', trySharp),
    check('OpenCV', 'run "npm install opencv-wasm"', tryOpenCv),
    ...Object.entries(OPTIONAL_CODECS).map(([codec, package_]) =>
      check(`codec ${codec}`, `run "npm install ${package_}"`, () => tryCodec(codec, package_)),
    ),
    check('memory', '', memory),
    check('temporary folder', 'let TMPDIR name a folder that can be written and has space', () =>
      tryFolder(tmpdir()),
    ),
  ]
}

/** Checks a folder of this machine, or the folder of a file: that it is there, can be written and has space. */
export function localHealth(path: string, limitMs: number): Promise<Finding> {
  const fix = `correct the path, or make it with "mkdir -p" and let this user write there`
  return finding(`folder ${path}`, limitMs, fix, async () => {
    const isFolder = (await stat(path)).isDirectory()
    return tryFolder(isFolder ? path : dirname(path))
  })
}

/** A check that throws, or does not end within the limit, has failed. */
async function finding(
  check: string,
  limitMs: number,
  fix: string,
  work: () => Promise<Found>,
): Promise<Finding> {
  const ended = new AbortController()
  const limit = delay(limitMs, undefined, { signal: ended.signal }).then(() => {
    throw new TimeoutError(`it did not end within ${limitMs} ms`)
  })
  limit.catch(() => {}) // whoever wins the race is awaited
  try {
    return { check, ...(await Promise.race([work(), limit])) }
  } catch (error) {
    return { check, ok: false, detail: reasonOf(error), fix }
  } finally {
    ended.abort()
  }
}

async function nodeVersion(least: string): Promise<Found> {
  const { node } = process.versions
  const [major, minor] = node.split('.').map(Number) as [number, number]
  const [leastMajor, leastMinor] = least.split('.').map(Number) as [number, number]
  const detail = `${node} on ${process.platform}-${process.arch}`
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return { ok: true, detail }
  return {
    ok: false,
    detail: `${detail}, at least ${least} is needed`,
    fix: `install Node.js ${leastMajor} from https://nodejs.org, or with "npx -p node@${leastMajor} pixelreduce"`,
  }
}

async function trySharp(): Promise<Found> {
  const sharp = loadSharp()
  const create = { width: TRIAL_SIDE, height: TRIAL_SIDE, channels: 3, background: 'orange' } as const
  const jpeg = await sharp({ create }).jpeg().toBuffer()
  const { info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true })
  if (info.width !== TRIAL_SIDE || info.height !== TRIAL_SIDE) {
    throw new Error(`a JPEG of ${TRIAL_SIDE} x ${TRIAL_SIDE} comes back as ${info.width} x ${info.height}`)
  }
  return {
    ok: true,
    detail: `${sharp.versions.sharp}, libvips ${sharp.versions.vips}, writes and reads a JPEG`,
  }
}

async function tryOpenCv(): Promise<Found> {
  const cv = await loadOpenCv()
  const [rows, columns] = withMats(cv, (keep) => {
    const grey = keep(new cv.Mat())
    cv.cvtColor(keep(new cv.Mat(TRIAL_SIDE, TRIAL_SIDE, cv.CV_8UC3)), grey, cv.COLOR_RGB2GRAY)
    return [grey.rows, grey.cols]
  })
  if (rows !== TRIAL_SIDE || columns !== TRIAL_SIDE) {
    throw new Error(`a picture of ${TRIAL_SIDE} x ${TRIAL_SIDE} turns grey as ${columns} x ${rows}`)
  }
  return { ok: true, detail: 'loads, and turns a picture grey' }
}

/** That a package is missing is no failure: only files of that codec need it. */
async function tryCodec(name: string, package_: string): Promise<Found> {
  try {
    const codec = await loadWritingCodec(name)
    const bytes = Buffer.from('pixelreduce '.repeat(100))
    if (!bytes.equals(codec.decompress(codec.compress(bytes), bytes.length))) {
      throw new Error('bytes do not come back as they were')
    }
    return { ok: true, detail: `installed (${package_})` }
  } catch (error) {
    const note = `${reasonOf(error)}; only files compressed with ${name} need it`
    return { ok: true, note, fix: `run "npm install ${package_}"` }
  }
}

async function memory(): Promise<Found> {
  // Also the limit of a container; Node before 20.13 knows only the machine's.
  const available = process.availableMemory?.() ?? freemem()
  const detail = `${prettyBytes(available)} free`
  if (available >= LEAST_MEMORY_BYTES) return { ok: true, detail }
  return {
    ok: false,
    detail: `${detail}, at least ${prettyBytes(LEAST_MEMORY_BYTES)} are needed`,
    fix: 'end other programs, or run jobs with "--workers 1 --memory 64M"',
  }
}

async function tryFolder(folder: string): Promise<Found> {
  const trial = await mkdtemp(join(folder, '.pixelreduce-doctor-'))
  try {
    const bytes = Buffer.alloc(4096, 'pixelreduce')
    await writeFile(join(trial, 'file'), bytes)
    if (!bytes.equals(await readFile(join(trial, 'file')))) throw new Error('what is read back differs')
  } finally {
    await rm(trial, { recursive: true, force: true })
  }
  const { bavail, bsize } = await statfs(folder)
  return { ok: true, detail: `${folder} can be written, ${prettyBytes(bavail * bsize)} free` }
}

/** An error's words; of the system's errors without the call that failed, of a missing package why. */
function reasonOf(error: unknown): string {
  if (error instanceof MissingPackageError && error.cause instanceof Error) {
    const { code, message } = error.cause as NodeJS.ErrnoException
    return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
      ? 'not installed'
      : `does not load (${message.split('\n', 1)[0]})`
  }
  const { code, path } = error as NodeJS.ErrnoException
  const words = path === undefined ? undefined : SYSTEM_ERRORS[code ?? '']
  return words ?? describeError(error)
}
