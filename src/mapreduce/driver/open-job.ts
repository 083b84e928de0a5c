import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { JobDefinitionError, UsageError } from '../../errors.js'
import { builtFile } from '../../package-root.js'
import { exportedJob, type Job } from '../job.js'
import { BUILT_IN, builtInModule, loadBundle, loadModule } from '../task/loader.js'

/** A job found, and how workers will find it. */
export interface OpenedJob {
  job: Job
  /** The module that exports it: `builtin:` and a name, or a file URL, whose bundle workers take. */
  module: string
  /** The text of the module with all it imports, for a job that is not built in. */
  bundle?: string
  /** Versions of the packages that the bundle gets from where it runs, by their names. */
  packages?: Record<string, string>
  /** Identifies the job's code. */
  version: string
}

const JOB_FILE = /\.[cm]?[jt]s$/

/** The names of the built-in jobs. */
export function builtInJobs(): string[] {
  return readdirSync(builtFile('jobs'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => name.slice(0, -'.js'.length))
    .sort()
}

/**
 * Finds a job by the name of a built-in one, by the path of a module that exports one, or as the value
 * that defineJob returned.
 * @throws JobDefinitionError when there is none.
 */
export async function openJob(job: string | Job): Promise<OpenedJob> {
  if (typeof job !== 'string') return openJobValue(job)
  if (!JOB_FILE.test(job)) return openBuiltIn(job)
  const path = resolve(job)
  if (!existsSync(path)) throw new UsageError(`Cannot load the job ${job}: there is no such file`)
  return openBundled(path)
}

async function openBuiltIn(name: string): Promise<OpenedJob> {
  const names = builtInJobs()
  if (!names.includes(name)) {
    throw new UsageError(
      `Cannot run "${name}": there is no such job; built in are ${names.join(', ')}, and a path such as ./${name}.ts names a file`,
    )
  }
  const module = BUILT_IN + name
  const job = exportedJob(await loadModule(builtInModule(module)), name)
  return { job, module, version: digest(await readFile(builtFile('jobs', `${name}.js`))) }
}

/**
 * A job as another process has opened it.
 * @param bundle of a job that is not built in
 * @throws JobDefinitionError when this installation has another version of a built-in job.
 */
export async function openStoredJob(
  { name, module, version }: { name: string; module: string; version: string },
  bundle?: string,
): Promise<OpenedJob> {
  if (bundle !== undefined) {
    return { job: exportedJob(await loadBundle(bundle), module, name), module, bundle, version }
  }
  const opened = await openBuiltIn(name)
  if (opened.version === version) return opened
  throw new JobDefinitionError(
    `Cannot run ${name}: this installation has version ${opened.version} of it, ${version} was submitted`,
  )
}

async function openJobValue(job: Job): Promise<OpenedJob> {
  if (!job.module) {
    throw new JobDefinitionError(
      `Cannot run the job "${job.name}": workers can't find its module; give defineJob "module: import.meta.url"`,
    )
  }
  const path = fileURLToPath(job.module)
  const opened = path.startsWith(builtFile('jobs'))
    ? await openBuiltIn(job.name)
    : await openBundled(path, job.name)
  return { ...opened, job }
}

async function openBundled(path: string, name?: string): Promise<OpenedJob> {
  const { bundleJob } = await import('./bundle-job.js')
  const { text: bundle, packages } = await bundleJob(path)
  const job = exportedJob(await loadBundle(bundle), path, name)
  return { job, module: pathToFileURL(path).href, bundle, packages, version: digest(codeOf(bundle)) }
}

/** A bundle without its source map, which says where the code lay. */
function codeOf(bundle: string): string {
  return bundle.replace(/\n\/\/# sourceMappingURL=\S*\s*$/, '')
}

function digest(code: string | Uint8Array): string {
  return createHash('sha256').update(code).digest('hex').slice(0, 16)
}
