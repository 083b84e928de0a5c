import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describeError, JobDefinitionError, NotFoundError, PixelreduceError } from '../../errors.js'
import { localError } from '../../fs/local/local-error.js'
import { resolveUri } from '../../fs/resolve.js'
import { readText } from '../../fs/text.js'
import { builtFile, packageRoot } from '../../package-root.js'
import { exportedJob, type Job } from '../job.js'
import { BUNDLE_FILE } from './layout.js'
import type { JobSpec } from './task.js'

/** Packages that a bundled job gets from the process it runs in: our own, and those with native parts. */
export const HOST_PACKAGES = ['pixelreduce', 'sharp', 'opencv-wasm', '@node-rs/xxhash']

/** What the module of a built-in job begins with: each installation has its own. */
export const BUILT_IN = 'builtin:'

const loaded = new Map<string, Promise<Job>>()
let depth = 0

/** Whether a job's module is being loaded just now; running a job from there would never end. */
export function isLoadingModule(): boolean {
  return depth > 0
}

/**
 * The job that a spec names, from its module; loaded once per thread.
 * @throws JobDefinitionError when the module can't be loaded or exports no such job.
 */
export function loadJob({ module, name }: Pick<JobSpec, 'module' | 'name'>): Promise<Job> {
  const id = `${module}#${name}`
  let job = loaded.get(id)
  if (!job) {
    job = loadFrom(module).then((exports) => exportedJob(exports, module, name))
    loaded.set(id, job)
    // What could not be read may be read by the next attempt.
    job.catch(() => loaded.delete(id))
  }
  return job
}

/** File URL of a built-in job's module. */
export function builtInModule(module: string): string {
  return pathToFileURL(builtFile('jobs', `${module.slice(BUILT_IN.length)}.js`)).href
}

async function loadFrom(module: string): Promise<Record<string, unknown>> {
  if (module.startsWith(BUILT_IN)) return loadModule(builtInModule(module))
  if (module.startsWith('file://')) return loadModule(module)
  const { fs, path } = resolveUri(module)
  if (fs.root === 'file://') return loadModule(pathToFileURL(path).href)
  const text = await readText(fs, path)
  if (text === undefined) throw new NotFoundError(`Cannot load the job: there is no ${module}`)
  return loadBundle(text)
}

/** The exports of a bundle, by way of a file, because Node imports from files alone. */
export async function loadBundle(text: string): Promise<Record<string, unknown>> {
  const parent = join(tmpdir(), 'pixelreduce-job-')
  const folder = await mkdtemp(parent).catch(localError('make the folder', parent))
  try {
    const file = join(folder, BUNDLE_FILE)
    await writeFile(file, text).catch(localError('write', file))
    return await loadModule(pathToFileURL(file).href)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The exports of a job's module, built in or bundled. @throws JobDefinitionError when it throws. */
export async function loadModule(url: string): Promise<Record<string, unknown>> {
  // Built-in jobs share our own modules; a bundle asks for them.
  if (!url.startsWith(pathToFileURL(builtFile('jobs')).href)) await installHost()
  depth++
  try {
    return await import(url)
  } catch (error) {
    if (error instanceof PixelreduceError) throw error
    throw new JobDefinitionError(`Cannot load the job's module: ${describeError(error)}`, { cause: error })
  } finally {
    depth--
  }
}

/** Bundles find the worker's own packages through this, wherever the bundle lies. */
async function installHost(): Promise<void> {
  const holder = globalThis as { [key: symbol]: unknown }
  const symbol = Symbol.for('pixelreduce.host')
  if (holder[symbol]) return
  const api = await import(pathToFileURL(builtFile('index.js')).href)
  const require = createRequire(join(packageRoot(), 'package.json'))
  holder[symbol] = (name: string) => (name === 'pixelreduce' ? api : require(name))
}
